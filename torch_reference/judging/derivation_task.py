"""What is checked, and how random points for a diagnosis are drawn."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from torch_reference.judging.scalar_objective import UPSTREAM, Objective, Tensors
from torch_reference.layers.own_generator import own_generator

Shapes = Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class Task:
    """A derivation, the objective that it differentiates, and a point at which it is checked.

    shapes tells, for any point, every name that can be compared, from the loss backwards, and the shape of
    its gradient; required are the names that the derivation has to return; parameters may take any value;
    links are those at which the graph can be cut; batched are the tensors of the point whose rows are
    observations; refused are names that cannot be compared, and why; origin is the point that the derivation
    may remember, where the point is another; allowed are the breaches, by their verdicts, that are meant;
    may_change are inputs that the reference changes in place to the same; once, that it is called once, as
    where a part of the point is judged as well; coarsely, that it is this part; outputs, what a function
    returned, which is judged beside its gradients; beside, what makes both in one call; refuted are names
    that are known to differ at a larger point, of which this is a part.
    """

    derivation: Callable[[Tensors], Mapping[str, Tensor | None]]
    objective: Objective
    point: Tensors
    shapes: Callable[[Tensors], Shapes]
    required: Sequence[str]
    parameters: Sequence[str] = ()
    links: Sequence[str] = ()
    batched: Sequence[str] = ()
    may_alias: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    origin: Tensors | None = None
    allowed: Sequence[str] = ()
    may_change: Sequence[str] = ()
    once: bool = False
    coarsely: bool = False
    outputs: Tensors = field(default_factory=dict)
    beside: Callable[[Tensors], Mapping[str, Tensor | None]] | None = None
    refuted: Collection[str] = ()

    @property
    def dtype(self) -> torch.dtype:
        """The working precision: that of the point's floating-point tensors."""
        return next(value.dtype for value in self.point.values() if value.is_floating_point())

    def batch(self, point: Tensors) -> int:
        """The number of observations of a point; 1 where rows are none."""
        return len(point[self.batched[0]]) if self.batched else 1

    def kind(self, name: str) -> str:
        """What a name stands for."""
        if name in self.links:
            return "link"
        data = name in ("inputs", "targets") or name.startswith("inputs[")
        return "input" if data and name not in self.parameters else "parameter"


class Cut(NamedTuple):
    """A graph cut at some links: the point with their upstream gradients, what is compared, and the links."""

    point: Tensors
    names: Shapes
    links: Sequence[str]


def cut_point(task: Task, point: Tensors, manual: Tensors) -> tuple[Tensors, list[str]]:
    """The point with the derivation's own upstream gradients, and the links where one can judge by them."""
    shapes = task.shapes(point)
    cuts = [
        name for name in task.links if name in manual and not unfit(manual[name], shapes[name], task.dtype)
    ]
    return {**point, **{UPSTREAM + name: manual[name] for name in cuts}}, cuts


def unfit(upstream: Tensor, shape: Sequence[int], dtype: torch.dtype) -> str:
    """Why no link can be judged by what it makes of this upstream gradient; empty if it can."""
    if tuple(upstream.shape) != tuple(shape) or upstream.dtype != dtype or not upstream.isfinite().all():
        return "has no right form"
    # Of zeros every link makes zeros, the wrong ones too.
    return "" if upstream.any() else "is zero"


def redrawn(task: Task, seed: int, symmetric: bool = False) -> dict[str, Tensor]:
    """A random point near the task's own, with rows drawn with repetition.

    Numbers are scaled by a random factor around 1, so that their sign and size stay. Targets keep their
    values, because they may be probabilities or classes, and so does an input that is exactly 0 or 1, because
    it may be a mask. In odd draws there is one row more, so that a factor n is told from a factor 2. What is
    symmetric stays so, if asked for.
    """
    generator = own_generator(seed)
    batch = task.batch(task.point)
    rows = torch.randint(0, max(batch, 1), (batch + seed % 2,), generator=generator, device="cpu")
    point = redrawn_parameters(task, seed, symmetric)
    for name in task.point:
        if name in task.batched and batch:
            point[name] = point[name][rows.to(point[name].device)]
        if name not in task.parameters and name != "targets" and point[name].is_floating_point():
            fixed = (point[name] == 0) | (point[name] == 1)
            point[name] = torch.where(fixed, point[name], _scaled(point[name], generator, symmetric))
    return point


def redrawn_parameters(task: Task, seed: int, symmetric: bool = False) -> dict[str, Tensor]:
    """The task's point with other parameters; one that is exactly zero is drawn anew: zero hides mistakes."""
    generator = own_generator(seed)
    point = {name: value.detach().clone() for name, value in task.point.items()}
    for name in task.parameters:
        zero = point[name] == 0
        point[name] = _scaled(point[name], generator, symmetric)
        if zero.any() and not (symmetric and is_symmetric(point[name])):
            point[name] = torch.where(zero, normal(point[name], generator) / 2, point[name])
    return point


def _scaled(value: Tensor, generator: torch.Generator, symmetric: bool) -> Tensor:
    if symmetric and is_symmetric(value):  # rows as columns: what is positive definite stays so
        rows = torch.exp(0.4 / 2**0.5 * normal(value[..., 0], generator))
        return value * (rows.unsqueeze(-1) * rows.unsqueeze(-2))
    return value * torch.exp(0.4 * normal(value, generator))


def normal(like: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal numbers of a tensor's shape, dtype and device; the same ones on every device."""
    drawn = torch.randn(like.shape, generator=generator, dtype=torch.float64, device=generator.device)
    return drawn.to(like)


def is_symmetric(value: Tensor) -> bool:
    """Whether it is a symmetric matrix, or many, whose numbers are not all one.

    As far as x xᵀ is, of whose two triangles a matrix product makes each in an order of its own: each number
    is a sum of n, rounded once more where that was made in float32.
    """
    if value.ndim < 2 or not value.shape[-1] == value.shape[-2] > 1 or is_one_number(value):
        return False
    if not value.is_floating_point() or torch.equal(value, value.mT):
        return torch.equal(value, value.mT)
    wide, eps = value.double(), torch.finfo(value.dtype).eps
    summed = (
        min(eps, torch.finfo(torch.float32).eps) * value.shape[-1] * wide.abs().amax((-2, -1), keepdim=True)
    )
    rounded = 0.0 if value.dtype in (torch.float32, torch.float64) else eps * wide.abs()
    return bool(((wide - wide.mT).abs() <= summed + rounded).all())


def is_one_number(value: Tensor) -> bool:
    """Whether its numbers, two or more, are all equal."""
    return value.numel() > 1 and bool((value == value.flatten()[0]).all())
