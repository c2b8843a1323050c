"""The lesson's gradient and its descent, on the four rows of a triangle instead of all observations."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from manual_backprop.checks import check_names
from manual_backprop.fast.seven_parameters import HIDDEN, SEVEN
from manual_backprop.fast.triangle import LEAF, Triangle, check_hidden
from manual_backprop.lesson.descent import History, check_rules, follow
from manual_backprop.lesson.gradient import LESSON_WRT

UNIT = torch.finfo(torch.float64).eps / 2
SMALLEST = torch.finfo(torch.float64).tiny * torch.finfo(torch.float64).eps
MARGIN = 1 + 2**-20
"""Products of several (1 + δ) are written as sums; what that leaves out is far smaller than this."""


def ssr_and_derivatives(
    triangle: Triangle, parameters: Mapping[str, Float[Tensor, "*parameter_batch"]]
) -> tuple[Float[Tensor, "*batch"], dict[str, Float[Tensor, "*batch"]]]:
    """The SSR of all observations and its derivatives with respect to w3, w4 and b3, by the four rows.

    Formula: SSR = ‖R p‖²,  ∂SSR/∂w3 = Σₖ −2 Residualₖ · y1ₖ over the four rows k, w4 and b3 alike
    Shapes:  parameters (*batch) or (), results as the triangle's batch, float64; w3, w4 and b3 are needed
    Errors:  ValueError for a missing or unknown parameter, or a w1, b1, w2, b2 that the triangle is not of
    Source:  docs/lesson.md, section 3.2, on the rows of R
    """
    output = _output_layer(triangle, parameters)
    rows = [row.unbind(-1) for row in triangle.rows.unbind(-2)]
    return _over_rows(rows, output)


def descend(
    triangle: Triangle,
    parameters: Mapping[str, Float[Tensor, ""]],
    wrt: Sequence[str] = LESSON_WRT,
    *,
    learning_rate: float = 0.01,
    max_steps: int = 1000,
    min_step_size: float = 0.001,
) -> History:
    """Gradient descent by the rules of descent.descend; a step costs the same for 3 and for 10⁹ observations.

    Shapes: each parameter (), a triangle without a batch; wrt names some of w3, w4 and b3
    Errors: those of ssr_and_derivatives and of descent.descend
    """
    check_names(wrt, LESSON_WRT)
    if not wrt:
        raise ValueError(f"wrt must name at least one of {', '.join(LESSON_WRT)}, found none")
    check_rules(learning_rate, max_steps, min_step_size)
    output = _output_layer(triangle, parameters)
    if triangle.rows.ndim != 2 or output["w3"].ndim:
        raise ValueError(
            "descent takes one network and one triangle, parameters of shape () and rows of shape (4, 4), "
            f"found {tuple(output['w3'].shape)} and {tuple(triangle.rows.shape)}"
        )
    # Four rows are a matter for Python's own numbers: a step costs less than a few calls of torch.
    rows: list[list[float]] = triangle.rows.tolist()

    def evaluate(here: Mapping[str, float]) -> tuple[float, dict[str, float]]:
        ssr, derivatives = _over_rows(rows, here)
        return ssr, {name: derivatives[name] for name in wrt}

    start = {name: value.item() for name, value in {**triangle.hidden, **output}.items()}
    return follow(evaluate, start, wrt, float(learning_rate), max_steps, min_step_size, triangle.rows)


def rounding(
    triangle: Triangle, parameters: Mapping[str, Float[Tensor, "*parameter_batch"]]
) -> tuple[Float[Tensor, "*batch"], dict[str, Float[Tensor, "*batch"]]]:
    """How far ssr_and_derivatives may be off by rounding, given y1 and y2, in float64.

    Formula: |ΔSSR| ≤ 2ρ (D + 2uρ)  and  |Δ∂SSR/∂w3| ≤ 2 (E₁ρ + N₁ (D + 4uρ)), w4 and b3 alike, where
             Nⱼ is the length of column j, Eⱼ = roundings · u · Nⱼ its error, D = Σⱼ |pⱼ| (Eⱼ + 4uNⱼ) that
             of the residual, and ρ = √SSR + 2D
    Shapes:  as ssr_and_derivatives
    Source:  docs/scale.md
    """
    output = _output_layer(triangle, parameters)
    ssr, _ = ssr_and_derivatives(triangle, parameters)
    # Where numbers underflow, an error is a few of the format's smallest steps for each row.
    underflow = triangle.roundings * LEAF * SMALLEST
    # The sum of four sizes is at least their length, at most twice it, and squares nothing.
    lengths = triangle.rows.abs().sum(-2)
    errors = triangle.roundings * UNIT * lengths + underflow
    weights = torch.stack([*(output[name].abs() for name in LESSON_WRT), torch.ones_like(output["w3"])], -1)
    moved = (weights * (errors + 4 * UNIT * lengths)).sum(-1)
    residual = (ssr + underflow).sqrt() + 2 * moved
    of_ssr = 2 * residual * (moved + 2 * UNIT * residual) + underflow
    of_derivatives = {
        name: 2 * (errors[..., j] * residual + lengths[..., j] * (moved + 4 * UNIT * residual)) + underflow
        for j, name in enumerate(LESSON_WRT)
    }
    return MARGIN * of_ssr, {name: MARGIN * value for name, value in of_derivatives.items()}


def _over_rows(rows: Sequence[Sequence[Any]], output: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The lesson's chain on the rows of the triangle; Python's numbers and tensors alike."""
    w3, w4, b3 = output["w3"], output["w4"], output["b3"]
    ssr: Any = 0.0
    d_ssr_d_w3: Any = 0.0
    d_ssr_d_w4: Any = 0.0
    d_ssr_d_b3: Any = 0.0
    for y1, y2, one, observed in rows:
        residual = observed - (w3 * y1 + w4 * y2 + b3 * one)
        d_ssr_d_predicted = -2 * residual
        ssr += residual * residual
        d_ssr_d_w3 += d_ssr_d_predicted * y1
        d_ssr_d_w4 += d_ssr_d_predicted * y2
        d_ssr_d_b3 += d_ssr_d_predicted * one
    return ssr, {"w3": d_ssr_d_w3, "w4": d_ssr_d_w4, "b3": d_ssr_d_b3}


def _output_layer(triangle: Triangle, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    check_names(parameters, SEVEN)
    check_hidden(triangle, {name: parameters[name].double() for name in HIDDEN if name in parameters})
    missing = [name for name in LESSON_WRT if name not in parameters]
    if missing:
        raise ValueError(f"missing parameter {', '.join(missing)}: all of {', '.join(LESSON_WRT)} are needed")
    return {name: parameters[name].double() for name in LESSON_WRT}
