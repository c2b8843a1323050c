"""How far two correct derivations may differ by rounding alone: a bound for every derivative and every link.

The chain of the lesson is evaluated once more, in ball arithmetic (ball.py). Each correct witness lies within
one radius of the exact value, so that two of them lie within two radii of each other. Nothing here reads what
either witness computed. The derivation, and the constants that it leads to, are in docs/tolerance.md.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from torch_reference.lesson.ball import MARGIN, Ball, Rounding
from torch_reference.lesson.network import PARAMETERS


def bounds(
    parameters: Mapping[str, Float[Tensor, "*parameter_batch"]],
    inputs: Float[Tensor, "*data_batch n"],
    observed: Float[Tensor, "*data_batch n"],
) -> dict[str, Float[Tensor, "..."]]:
    """Largest |manual − reference| that rounding can explain, for every intermediate, link and derivative.

    Formula: |manual − reference| ≤ |manual − exact| + |exact − reference| ≤ 2 radius
    Shapes:  parameters (*batch), data (*batch, n); x1, y1, x2, y2, predicted, residual and the links
             d_A_d_B (*batch, n), ssr and the derivatives w1 … b3 (*batch); always float64
    Source:  docs/tolerance.md
    """
    rounding = Rounding.of(inputs.dtype, inputs.device)
    shape = (*(parameters["w1"].shape or inputs.shape[:-1]), inputs.shape[-1])
    given = {name: value.unsqueeze(-1) for name, value in parameters.items()}
    given |= {"inputs": inputs, "observed": observed, "one": torch.ones_like(inputs)}
    exact = {name: rounding.exact(value.expand(shape)) for name, value in given.items()}
    intermediates = _intermediates(rounding, exact)
    links = _links(rounding, exact, intermediates)
    derivatives = _derivatives(rounding, exact, intermediates, links)
    balls = {**intermediates, **links, **derivatives}
    return {name: 2 * MARGIN * ball.radius for name, ball in balls.items()}


def _intermediates(rounding: Rounding, exact: Mapping[str, Ball]) -> dict[str, Ball]:
    x1 = rounding.plus(rounding.product(exact["w1"], exact["inputs"]), exact["b1"])
    x2 = rounding.plus(rounding.product(exact["w2"], exact["inputs"]), exact["b2"])
    y1, y2 = rounding.softplus(x1), rounding.softplus(x2)
    # The witnesses may add the three terms in different orders, hence total and not two calls of plus.
    predicted = rounding.total(
        rounding.product(exact["w3"], y1), rounding.product(exact["w4"], y2), exact["b3"]
    )
    residual = rounding.plus(exact["observed"], predicted.scaled(-1.0))
    ssr = rounding.sum(rounding.product(residual, residual))
    return {"x1": x1, "y1": y1, "x2": x2, "y2": y2, "predicted": predicted, "residual": residual, "ssr": ssr}


def _links(
    rounding: Rounding, exact: Mapping[str, Ball], intermediates: Mapping[str, Ball]
) -> dict[str, Ball]:
    links = {
        "d_ssr_d_predicted": intermediates["residual"].scaled(-2.0),
        "d_predicted_d_w3": intermediates["y1"],
        "d_predicted_d_w4": intermediates["y2"],
        "d_predicted_d_b3": exact["one"],
    }
    for x, y, w_in, b_in, w_out in (("x1", "y1", "w1", "b1", "w3"), ("x2", "y2", "w2", "b2", "w4")):
        links[f"d_predicted_d_{y}"] = exact[w_out]
        links[f"d_ssr_d_{y}"] = rounding.product(links["d_ssr_d_predicted"], exact[w_out])
        links[f"d_{y}_d_{x}"] = rounding.sigmoid(intermediates[x])
        links[f"d_ssr_d_{x}"] = rounding.product(links[f"d_ssr_d_{y}"], links[f"d_{y}_d_{x}"])
        links[f"d_{x}_d_{w_in}"] = exact["inputs"]
        links[f"d_{x}_d_{b_in}"] = exact["one"]
    return links


def _derivatives(
    rounding: Rounding,
    exact: Mapping[str, Ball],
    intermediates: Mapping[str, Ball],
    links: Mapping[str, Ball],
) -> dict[str, Ball]:
    terms = {
        "w1": rounding.product(links["d_ssr_d_x1"], exact["inputs"]),
        "b1": links["d_ssr_d_x1"],
        "w2": rounding.product(links["d_ssr_d_x2"], exact["inputs"]),
        "b2": links["d_ssr_d_x2"],
        "w3": rounding.product(links["d_ssr_d_predicted"], intermediates["y1"]),
        "w4": rounding.product(links["d_ssr_d_predicted"], intermediates["y2"]),
        "b3": links["d_ssr_d_predicted"],
    }
    return {name: rounding.sum(terms[name]) for name in PARAMETERS}
