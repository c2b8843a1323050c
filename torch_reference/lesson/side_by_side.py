"""The verdict on two descents: their numbers within the bound, their stops by the rules."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from torch_reference.comparison import Row, compare
from torch_reference.lesson.stopping import broken_rule, overflow_of_one
from torch_reference.lesson.trajectory import Descent, is_step, recorded, trajectory_bounds


@dataclass(frozen=True)
class Drift:
    """The largest difference of a parameter, and the bound of the difference at the same step."""

    name: str
    step: int
    difference: float
    bound: float


@dataclass(frozen=True)
class Judgement:
    """What the comparison of two descents found.

    Rows are those of compare, whose index is a point (step_size_…: a step, counted from 0).

    Units: points is the number of leading points that were compared; the others have no finite bound, or lie
           after the end of one descent. telling is the number of leading points at which the bound is no
           larger than the parameters themselves: after them rounding alone could explain any difference
    """

    rows: list[Row]
    points: int
    telling: int
    drift: Drift | None
    """None where no parameter differs at any point that was compared."""
    problems: list[str]
    first_wrong: tuple[str, int] | None
    """Where the differing starts, in the order of the computation: a name, and its index as in the rows."""

    @property
    def agrees(self) -> bool:
        """Whether every recorded number is within its bound, and both descents stopped by the rules."""
        return not self.problems and all(row.agrees for row in self.rows)


def judge(
    manual: Descent,
    reference: Descent,
    inputs: Float[Tensor, " n"],
    observed: Float[Tensor, " n"],
    *,
    learning_rate: float,
    max_steps: int,
    min_step_size: float,
) -> Judgement:
    """Compare two descents from one start, point by point, within the bound of trajectory_bounds.

    Two correct descents may stop at different steps, where a step size is within rounding of min_step_size
    or the SSR within rounding of overflow. So the stops need not be equal: each must follow from the numbers
    that its own witness recorded, and these must agree up to the earlier one.

    Shapes: data (n); descents over K + 1 points, where K may differ
    Errors: ValueError where the descents do not record the same names
    Source: docs/trajectory.md, section 5
    """
    names = [(tuple(sorted(d.parameters)), tuple(sorted(d.derivatives))) for d in (manual, reference)]
    if names[0] != names[1]:
        raise ValueError(f"the descents record different names: manual {names[0]}, reference {names[1]}")
    limits = trajectory_bounds(manual, reference, inputs, observed, learning_rate)
    common = len(limits["ssr"])
    first, second = recorded(manual, common), recorded(reference, common)
    points = _leading([*limits.values(), *first.values(), *second.values()], common)
    cut = {name: _up_to(points, name) for name in limits}
    rows = compare(
        *({name: values[name][cut[name]] for name in limits} for values in (first, second, limits))
    )
    problems = [
        f"{who} {problem}"
        for who, descent in (("manual", manual), ("reference", reference))
        if (problem := broken_rule(descent, max_steps, min_step_size))
    ]
    if points < common:
        problems += overflow_of_one(first, second, limits, points)
    wrt = tuple(reference.derivatives)
    return Judgement(
        rows=rows,
        points=points,
        telling=min(points, _telling(second, limits, wrt)),
        drift=_drift(first, second, limits, points, wrt),
        problems=problems,
        first_wrong=_first_wrong(first, second, limits, points),
    )


def _leading(values: list[Tensor], common: int) -> int:
    """Number of leading points at which everything is finite; step k belongs to point k + 1."""
    bad = [common]
    for value in values:
        bad += [common - len(value) + index for [index] in (~value.isfinite()).nonzero().tolist()]
    return min(bad)


def _first_wrong(
    first: Mapping[str, Tensor], second: Mapping[str, Tensor], limits: Mapping[str, Tensor], points: int
) -> tuple[str, int] | None:
    """Of everything that differs, what was computed first: a point, then its derivatives, then the step."""
    found = []
    for name, limit in limits.items():
        cut = _up_to(points, name)
        difference = (first[name][cut].double() - second[name][cut].double()).abs()
        wrong = (difference > limit[cut]).nonzero().flatten()
        if len(wrong):
            found.append((int(wrong[0]), is_step(name), name.startswith("d_ssr_d_"), name))
    return (min(found)[-1], min(found)[0]) if found else None


def _telling(second: Mapping[str, Tensor], limits: Mapping[str, Tensor], wrt: tuple[str, ...]) -> int:
    """Number of leading points at which the bound is at most the largest size that the parameters had."""
    size = torch.stack([second[name].double().abs() for name in wrt]).amax(0).cummax(0).values
    return int((limits[wrt[0]] <= size).int().cumprod(0).sum())


def _up_to(points: int, name: str) -> slice:
    return slice(max(points - 1, 0) if is_step(name) else points)


def _drift(
    first: Mapping[str, Tensor],
    second: Mapping[str, Tensor],
    limits: Mapping[str, Tensor],
    points: int,
    wrt: tuple[str, ...],
) -> Drift | None:
    found = []
    for name in wrt:
        difference = (first[name][:points].double() - second[name][:points].double()).abs()
        if difference.any():
            step = int(difference.argmax())
            found.append(Drift(name, step, difference[step].item(), limits[name][step].item()))
    return max(found, key=lambda drift: drift.difference, default=None)
