"""How far two correct descents may drift apart by rounding alone, step by step.

The bound is derived in docs/trajectory.md: a difference is carried along by I − η H, and every step adds the
rounding of both derivatives (bounds.py), of the product with the learning rate η, and of the subtraction.
"""

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from torch_reference.lesson.ball import MARGIN, Rounding
from torch_reference.lesson.curvature import hessians, segment_bounds
from torch_reference.lesson.rounding_bounds import bounds

Values = dict[str, Tensor]

NUMBERS_AT_ONCE = 2**18
"""Of an intermediate, of the points bounded together: a long descent on much data fits into memory."""


@runtime_checkable
class Descent(Protocol):
    """What a witness hands over: row k of parameters, ssr and derivatives is the point after k steps.

    Shapes: parameters[name] (all seven), ssr and derivatives[name] (K + 1), step_sizes[name] (K)
    """

    @property
    def parameters(self) -> Mapping[str, Tensor]:
        """All seven, the frozen ones too."""

    @property
    def ssr(self) -> Tensor:
        """The sum of the squared residuals at every point."""

    @property
    def derivatives(self) -> Mapping[str, Tensor]:
        """Of the free parameters, at every point."""

    @property
    def step_sizes(self) -> Mapping[str, Tensor]:
        """Learning rate · derivative, for every step that was taken."""

    @property
    def stopped(self) -> str:
        """Why it stopped: converged, step limit or diverged."""


def recorded(descent: Descent, points: int | None = None) -> Values:
    """The first points of a descent in one mapping: ssr, w1 … b3, d_ssr_d_<name> and step_size_<name>."""
    points = len(descent.ssr) if points is None else points
    return {
        "ssr": descent.ssr[:points],
        **{name: value[:points] for name, value in descent.parameters.items()},
        **{f"d_ssr_d_{name}": value[:points] for name, value in descent.derivatives.items()},
        **{f"step_size_{name}": value[: points - 1] for name, value in descent.step_sizes.items()},
    }


def is_step(name: str) -> bool:
    """Whether a name of recorded belongs to the steps, whose row k leads from point k to point k + 1."""
    return name.startswith("step_size_")


def trajectory_bounds(
    manual: Descent,
    reference: Descent,
    inputs: Float[Tensor, " n"],
    observed: Float[Tensor, " n"],
    learning_rate: float,
) -> Values:
    """Largest |manual − reference| that rounding can explain, for everything recorded, at every common point.

    Formula: ‖dₖ₊₁‖ ≤ (‖I − η Hₖ‖ + η Mₖ ‖dₖ‖ / 2) ‖dₖ‖ + ‖δₖ‖,  d₀ = 0,  in the Euclidean norm
    Shapes:  named and shaped as recorded(…, the points that both have); always float64, and infinite where
             there is no bound, because something overflows
    Source:  docs/trajectory.md
    """
    points = min(len(manual.ssr), len(reference.ssr))
    ours, theirs = recorded(manual, points), recorded(reference, points)
    wrt = tuple(reference.derivatives)
    rate = inputs.new_tensor(learning_rate).item()
    rounding = Rounding.of(inputs.dtype, inputs.device)
    size = {name: ours[name].double().abs() + theirs[name].double().abs() for name in theirs}
    p, q = ({name: values[name] for name in reference.parameters} for values in (ours, theirs))

    # Each witness is within one radius, half of bounds(), of the exact value at its own point.
    def at(point: Values) -> Values:
        found = bounds(point, inputs, observed)
        return {name: found[name] for name in ("ssr", *wrt)}

    at_p, at_q = (_in_parts(at, len(inputs), point) for point in (p, q))
    radius = {name: (at_p[name] + at_q[name]) / 2 for name in ("ssr", *wrt)}
    # A step adds η · radius, one rounding of the product and one of the subtraction, of each witness.
    product = {name: rounding.unit * size[f"step_size_{name}"] + 2 * rounding.smallest for name in wrt}
    added = {name: rate * radius[name][:-1] + product[name] + rounding.unit * size[name][1:] for name in wrt}

    hessian = hessians(p, inputs, observed, wrt)

    def along(one_end: Values, other_end: Values) -> Values:
        names = ("norm", "third", "rounding")
        return dict(zip(names, segment_bounds(one_end, other_end, inputs, observed, wrt), strict=True))

    norm, third, hessian_rounding = _in_parts(along, len(inputs), p, q).values()
    apart = _norm({name: p[name].double() - q[name].double() for name in wrt})
    slack = hessian_rounding + third * apart / 2
    identity = torch.diag(hessian.new_ones(len(wrt)))
    growth = _spectral_norm(identity - rate * hessian) + rate * slack
    drift = _carried(growth[:-1], _norm(added))

    slope = _norm({name: theirs[f"d_ssr_d_{name}"].double().abs() + at_q[name] / 2 for name in wrt})
    derivative = {
        name: radius[name] + (hessian[:, row].norm(dim=1) + slack) * drift for row, name in enumerate(wrt)
    }
    result = {
        "ssr": radius["ssr"] + (slope + norm * drift / 2) * drift,
        # A frozen parameter is copied, never computed.
        **{name: drift if name in wrt else torch.zeros_like(drift) for name in p},
        **{f"d_ssr_d_{name}": derivative[name] for name in wrt},
        **{f"step_size_{name}": rate * derivative[name][:-1] + product[name] for name in wrt},
    }
    return {name: torch.where(value.isfinite(), MARGIN * value, torch.inf) for name, value in result.items()}


def _in_parts(of: Callable[..., Values], observations: int, *points: Values) -> Values:
    """of(*points), a few points at a time: of each there are as many numbers as observations."""
    size = max(1, NUMBERS_AT_ONCE // max(1, observations))
    count = len(next(iter(points[0].values())))
    parts = [
        of(*({name: value[first : first + size] for name, value in each.items()} for each in points))
        for first in range(0, count, size)
    ]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _carried(growth: Tensor, added: Tensor) -> Tensor:
    """D₀ = 0, Dₖ₊₁ = growthₖ · Dₖ + addedₖ: shape (K) in, (K + 1) out."""
    drift = [0.0]
    for factor, more in torch.stack([growth, added], 1).tolist():
        drift.append(factor * drift[-1] + more)
    return growth.new_tensor(drift)


def _norm(vector: Mapping[str, Tensor]) -> Tensor:
    """Euclidean norm over the names, at every point."""
    return torch.linalg.vector_norm(torch.stack(list(vector.values())), dim=0)


def _spectral_norm(matrices: Tensor) -> Tensor:
    """Largest singular value of each matrix; infinite where an entry is not finite."""
    # A decomposition refuses what is not finite.
    norm = torch.linalg.matrix_norm(matrices.nan_to_num(), ord=2)
    return torch.where(matrices.isfinite().all((1, 2)), norm, torch.inf)
