"""The smallest input at which one way of calling still fails, while all is right as it is called otherwise.

Fewer rows and columns first, then simpler numbers. What fails otherwise, or no longer agrees as it was given,
is no smaller example but another one.
"""

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from torch_reference.check.ways.running import Way, WayFound, run_way
from torch_reference.check.ways.session import Session
from torch_reference.comparison import Verdict
from torch_reference.judging.calls.arguments import Tensors
from torch_reference.judging.calls.cuts import elements
from torch_reference.judging.scalar_objective import reference_gradients
from torch_reference.judging.upstream_gradients import drawn_upstream
from torch_reference.repair.own_time import OwnTime

SECONDS = 1.0
"""What all failing ways of one check may take together."""
LONGEST = 3
"""A way that took so many times as long is not tried again and again: its reference is slow there."""
TRIES = 60
FEW = 12
"""A tensor of more numbers gets evenly spaced ones."""


class Shrinking(NamedTuple):
    """How a smaller input is tried: the session at the given one, what must agree, which upstream gradients.

    agrees says whether all is right at a point as it is called otherwise.
    """

    session: Session
    agrees: Callable[[Tensors], bool]
    allow: Collection[str]
    seed: int

    def fails(self, inputs: Tensors, way: Way, found: WayFound) -> bool:
        """Whether the way fails there as it did, and nothing else is wrong."""
        try:
            if elements(inputs) < elements(self.session.inputs) and not self.session.may_shrink:
                return False
            outputs, depends = self.session.objective.looked_at(inputs, self.session.wanted, resized=True)
            if not depends or not all(bool(value.isfinite().all()) for value in outputs.values()):
                return False
            point = {**inputs, **drawn_upstream(outputs, self.seed)}
            session = replace(self.session, point=point)
            session = replace(session, plain=session.first())
            if _is_far_off(session):
                return False
            again = run_way(session, found.name, way, self.allow)
            return _failure(again) == _failure(found) and self.agrees(point)
        except Exception:  # the user's code may not take it
            return False


def smallest_inputs(
    shrinking: Shrinking, ways: Sequence[tuple[WayFound, Way]], seconds: float = SECONDS
) -> dict[str, Tensors]:
    """By the name of each failing way an input, with as little in it as was found in time.

    A way that fails with other upstream gradients only than those that a check draws itself has none.
    """
    found: dict[str, Tensors] = {}
    ways = [(failing, way) for failing, way in ways if failing.seconds < LONGEST * seconds]
    time = OwnTime(seconds)
    for number, (failing, way) in enumerate(ways, start=1):
        tried = _Tried(shrinking, way, failing, time, number / len(ways))
        known = next((small for small in found.values() if tried(small)), None)
        start = {name: value.contiguous() for name, value in shrinking.session.inputs.items()}
        if known is not None:
            found[failing.name] = known
        elif tried(evened := {name: _evened(value) for name, value in start.items()}):
            found[failing.name] = _smallest(evened, tried)
        elif tried(start):
            found[failing.name] = _smallest(start, tried)
    return found


def _is_far_off(session: Session) -> bool:
    """Whether a gradient is wrong as it was given, which needs no bound to see."""
    made = session.plain.gradients
    right = reference_gradients(
        session.objective, session.point, {name: tuple(value.shape) for name, value in made.items()}
    )
    return any(
        bool(((made[name] - right[name]).abs() > 0.1 * right[name].abs().max()).any()) for name in made
    )


class _Tried:
    """The question whether an input still fails, asked as long as there is time."""

    def __init__(self, shrinking: Shrinking, way: Way, failing: WayFound, time: OwnTime, part: float) -> None:
        self.shrinking, self.way, self.failing = shrinking, way, failing
        self.time, self.part = time, part
        self.count = 0

    @property
    def is_over(self) -> bool:
        return self.count >= TRIES or self.time.is_over(self.part)

    def __call__(self, inputs: Tensors) -> bool:
        if self.is_over:
            return False
        self.count += 1
        return self.shrinking.fails(inputs, self.way, self.failing)


def _smallest(inputs: Tensors, tried: _Tried) -> Tensors:
    for smaller in (_shorter, _simpler):
        improved = True
        while improved and not tried.is_over:
            improved = False
            for candidate in smaller(inputs):
                if tried(candidate):
                    inputs, improved = candidate, True
                    break
    return inputs


def _shorter(inputs: Tensors) -> Iterator[Tensors]:
    """All dimensions of one size cut together, the largest size first, then those of one place alone."""
    sizes = sorted({size for value in inputs.values() for size in value.shape if size > 1}, reverse=True)
    last = max((value.ndim for value in inputs.values()), default=0)
    for size in sizes:
        for dims in (range(last), *([dim] for dim in range(last))):
            for kept in sorted({1, 2, size // 2, size - 1} - {0, size}):
                cut = {name: _cut(value, size, kept, dims) for name, value in inputs.items()}
                if any(cut[name].shape != value.shape for name, value in inputs.items()):
                    yield cut


def _cut(value: Tensor, size: int, kept: int, dims: Collection[int]) -> Tensor:
    cuts = (slice(kept if length == size and dim in dims else None) for dim, length in enumerate(value.shape))
    cut = value[tuple(cuts)]
    return evenly(cut) if is_evened(value) and cut.numel() > FEW else cut.clone()


def _simpler(inputs: Tensors) -> Iterator[Tensors]:
    """The numbers of one tensor rounded, or evenly spaced where they are many; indices at zero."""
    for name, value in inputs.items():
        for simple in _simple(value):
            if simple.shape == value.shape and not torch.equal(simple, value):
                yield {**inputs, name: simple}


def _simple(value: Tensor) -> Iterator[Tensor]:
    if value.dtype == torch.bool or not value.numel():
        return
    if not value.is_floating_point():
        yield torch.zeros_like(value)
        return
    if value.numel() > FEW:
        yield _evened(value)
        return
    for digits in (1, 2):
        numbers = [_rounded(number, digits) for number in value.double().flatten().tolist()]
        rounded = torch.tensor(numbers, dtype=value.dtype, device=value.device).view(value.shape)
        if torch.equal(rounded, value):
            return
        yield rounded


def _rounded(number: float, digits: int) -> float:
    """Not to 0 or 1, which hide and mimic, where it is neither."""
    found = round(number, digits) if math.isfinite(number) else number
    if found == number or abs(found) not in (0.0, 1.0):
        return found
    return math.copysign(abs(found) + 0.5, number)


def _evened(value: Tensor) -> Tensor:
    """Evenly spaced numbers for many; few, truth values and indices as they are."""
    return evenly(value) if value.is_floating_point() and value.numel() > FEW else value


def is_evened(value: Tensor) -> bool:
    return value.is_floating_point() and value.numel() > FEW and torch.equal(value, evenly(value))


def evenly(like: Tensor) -> Tensor:
    """Evenly spaced numbers from -1.5 to 1.5."""
    spaced = torch.linspace(-1.5, 1.5, like.numel(), dtype=like.dtype, device=like.device)
    return spaced.reshape(like.shape)


def _failure(found: WayFound) -> tuple[str, str, str, object, str]:
    """What a failure is known by: how it was called, which gradient, in which way it is wrong."""
    if not found.findings:
        return (found.status, found.told, "", None, "")
    first = found.findings[0]
    error = first.row.explanation.partition(":")[0] if first.row.verdict is Verdict.RAISED else ""
    return (found.status, found.told, first.name, first.row.verdict, error)
