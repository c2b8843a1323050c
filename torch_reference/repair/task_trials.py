"""How an edited derivation is tried: quickly at one point, then by the tolerance, and at other points."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from types import FunctionType, MethodType
from typing import Any

import torch
from torch import Tensor

from torch_reference.judging.derivation_task import Task, redrawn
from torch_reference.judging.judgement import judge
from torch_reference.judging.scalar_objective import Tensors, reference_gradients
from torch_reference.layers.own_generator import own_generator
from torch_reference.repair.search import Trials

REDRAWN = (1, 2, 3)
MOST_SIZES = 4
Outcome = tuple[Task, dict[str, Tensor]]


class TaskTrials:
    """Trials of the task that a function of the user's makes, with an edited function in its place."""

    def __init__(self, make_task: Callable[[Any], Task], top: Callable[..., Any]) -> None:
        """Take the task as it was given, and how it is made with another function."""
        self.make_task = make_task
        if isinstance(top, MethodType):
            owner = top.__self__
            self.make_task = lambda edited: make_task(MethodType(edited, owner))
        self.task = make_task(top)
        on_a_processor = all(value.is_cpu for value in self.task.point.values())
        self.trials = Trials(top, self._is_near, self._is_right, on_a_processor)

    @cached_property
    def here(self) -> Outcome:
        """The task's own point, and the right gradients there."""
        return self.task, self._right(self.task)

    @cached_property
    def elsewhere(self) -> list[Outcome]:
        """Other points, in other sizes too where the reference takes them."""
        found = []
        manual = self.task.derivation(_copies(self.task.point))
        right = _all_near(manual, self.here[1])
        free = {*self.task.required, *self.task.parameters}
        shaped = [name for name, expected in self.here[1].items() if _fits(manual.get(name), expected)]
        for point in (*(redrawn(self.task, seed) for seed in REDRAWN), *_resized(self.task.point, free)):
            try:
                task = replace(self.task, point=point)
                manual, expected = self.task.derivation(_copies(point)), self._right(task)
            except Exception:  # the user's code may know one size only
                continue
            # Where not even what is right is right, or has its shape, one of both knows one size only.
            shapes = all(_fits(manual.get(name), expected[name]) for name in shaped)
            if shapes and right <= _all_near(manual, expected):
                found.append((task, expected))
        return found

    def _right(self, task: Task) -> dict[str, Tensor]:
        """What must be right: the gradients that are asked for, and the links that are returned as well."""
        manual = task.derivation(_copies(task.point))
        asked = {*task.required, *(name for name in manual if name in task.links)}
        names = {name: shape for name, shape in task.shapes(task.point).items() if name in asked}
        return reference_gradients(task.objective, task.point, names)

    def _is_near(self, edited: FunctionType) -> bool:
        """To half of the digits, at the task's own point."""
        return _agrees(self.make_task(edited), *self.here)

    def _is_right(self, edited: FunctionType) -> bool:
        """To half of the digits at all other points, and within rounding at the task's own."""
        task = self.make_task(edited)
        if not all(_agrees(task, *outcome) for outcome in self.elsewhere):
            return False
        names = {name: tuple(value.shape) for name, value in self.here[1].items()}
        given = _copies(task.point)
        manual = {name: value for name, value in task.derivation(given).items() if value is not None}
        if not all(torch.equal(given[name], value) for name, value in task.point.items()):
            return False  # an edit that changes its inputs mends nothing
        return all(row.agrees for row in judge(manual, task.objective, task.point, names).values())


def _agrees(edited: Task, task: Task, right: Tensors) -> bool:
    return _all_near(edited.derivation(_copies(task.point)), right) == set(right)


def _all_near(manual: Mapping[str, Tensor | None], right: Tensors) -> set[str]:
    """The names of what is right to half of its digits.

    A gradient that is zero, that of a bias before a batch norm, need not be the zero that roundings leave.
    """
    largest = max((float(value.norm()) for value in right.values()), default=0.0)
    return {name for name, expected in right.items() if _near(manual.get(name), expected, largest)}


def _near(value: Tensor | None, expected: Tensor, largest: float) -> bool:
    if value is None or value.shape != expected.shape or value.dtype != expected.dtype:
        return False
    eps = torch.finfo(value.dtype).eps
    return bool((value.detach() - expected).norm() <= eps**0.5 * expected.norm() + 16 * eps * largest)


def _fits(value: Tensor | None, expected: Tensor) -> bool:
    return value is not None and value.shape == expected.shape


def _copies(point: Tensors) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in point.items()}


def _resized(point: Tensors, free: Collection[str]) -> Iterator[dict[str, Tensor]]:
    """The point with one size more, and twice it, wherever a size occurs: an edit may hold by chance of it.

    Of one head (-3 is as good a dimension as -2), or of fewer steps than a block has. The values of what is
    free are drawn from those that were there. Of all else slices are there once more, so that a mask stays a
    mask; and what sums to one, as probabilities do, still does.
    """
    generator = own_generator(0)
    sizes = dict.fromkeys(size for value in point.values() for size in value.shape if size)
    several = [size for size in sizes if size > 1][:MOST_SIZES]
    for wanted, longer in [(size, size + 1) for size in several] + [
        (size, 2 * size) for size in (1, *several)
    ]:
        if wanted not in sizes:
            continue
        again = torch.randint(0, wanted, (longer - wanted,), generator=generator, device="cpu")
        places = torch.cat([torch.arange(wanted, device="cpu"), again])
        found = {}
        for name, value in point.items():
            shape = [longer if size == wanted else size for size in value.shape]
            drawn = torch.randint(
                0, max(value.numel(), 1), (torch.Size(shape).numel(),), generator=generator, device="cpu"
            )
            anew = value.flatten()[drawn.to(value.device)].reshape(shape)
            is_free = name in free
            found[name] = anew if is_free else _with_slices_again(value, wanted, places.to(value.device))
        yield found


def _with_slices_again(value: Tensor, wanted: int, places: Tensor) -> Tensor:
    made = value
    for dim in (dim for dim, size in enumerate(value.shape) if size == wanted):
        made = made.index_select(dim, places)
        if _sums_to_one(value, dim):
            made = made / made.sum(dim, keepdim=True)
    return made


def _sums_to_one(value: Tensor, dim: int) -> bool:
    if not value.is_floating_point() or bool((value < 0).any()):
        return False
    return bool(((value.sum(dim) - 1).abs() < 1e-3).all())
