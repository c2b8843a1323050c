"""How far two correct derivations may differ by rounding alone: a bound for every derivative and every link.

The chain of the lesson is evaluated once more, in ball arithmetic (ball.py), from the formulas of network.py.
Each correct witness lies within one radius of the exact value, so that two of them lie within two radii of
each other. Nothing here reads what either witness computed. The derivation is in docs/tolerance.md.
"""

from collections.abc import Mapping, Sequence
from functools import reduce

import torch
from jaxtyping import Float
from torch import Tensor

from torch_reference.lesson.ball import MARGIN, Ball, Rounding
from torch_reference.lesson.formulas import is_added, local_links, softplus_of, terms_of
from torch_reference.lesson.network import FORMULAS, PARAMETERS

Balls = dict[str, Ball]

LOCAL_LINKS = local_links(FORMULAS)


def bounds(
    parameters: Mapping[str, Float[Tensor, "*parameter_batch"]],
    inputs: Float[Tensor, "*data_batch n"],
    observed: Float[Tensor, "*data_batch n"],
) -> dict[str, Float[Tensor, "..."]]:
    """Largest |manual − reference| that rounding can explain, for every intermediate, link and derivative.

    Formula: |manual − reference| ≤ |manual − exact| + |exact − reference| ≤ 2 radius
    Shapes:  parameters (*batch), data (*batch, n); the intermediates, residual and the links d_A_d_B
             (*batch, n), ssr and the derivatives, by the parameter's name, (*batch); always float64
    Source:  docs/tolerance.md

    >>> import torch, torch_reference
    >>> zeros = {name: torch.tensor(0.0, dtype=torch.float64) for name in torch_reference.PARAMETERS}
    >>> inputs, observed = torch.tensor([[0, 0.5, 1], [0, 1, 0]], dtype=torch.float64)
    >>> manual = {"b3": torch.tensor(-2.0, dtype=torch.float64)}
    >>> reference = torch_reference.gradients(zeros, inputs, observed, wrt=["b3"])
    >>> [row] = torch_reference.compare(manual, reference, torch_reference.bounds(zeros, inputs, observed))
    >>> row.agrees
    True
    """
    rounding = Rounding.of(inputs.dtype, inputs.device)
    batch = next(iter(parameters.values())).shape or inputs.shape[:-1]
    given = {name: value.unsqueeze(-1) for name, value in parameters.items()}
    given |= {"inputs": inputs, "observed": observed, "one": torch.ones_like(inputs)}
    exact = {name: rounding.exact(value.expand(*batch, inputs.shape[-1])) for name, value in given.items()}
    values = _intermediates(rounding, exact)
    links = _links(rounding, {**exact, **values})
    balls = {**values, **links, **_derivatives(rounding, links)}
    return {name: 2 * MARGIN * ball.radius for name, ball in balls.items()}


def _intermediates(rounding: Rounding, exact: Balls) -> Balls:
    """The forward pass, formula by formula."""
    balls = dict(exact)
    for name, formula in FORMULAS.items():
        of = softplus_of(formula)
        balls[name] = rounding.softplus(balls[of]) if of else _sum_of_products(rounding, formula, balls)
    residual = rounding.plus(exact["observed"], balls["predicted"].scaled(-1.0))
    ssr = rounding.sum(rounding.product(residual, residual))
    return {**{name: balls[name] for name in FORMULAS}, "residual": residual, "ssr": ssr}


def _links(rounding: Rounding, balls: Balls) -> Balls:
    """Every link d_A_d_B: of one formula by what stands in it, and of the SSR by every intermediate."""
    links = {
        f"d_{output}_d_{name}": _local_link(rounding, FORMULAS[output], name, balls)
        for output, names in LOCAL_LINKS.items()
        for name in names
    }
    links["d_ssr_d_predicted"] = balls["residual"].scaled(-2.0)
    for name in LOCAL_LINKS:  # the last intermediate first
        if name != "predicted":
            links[f"d_ssr_d_{name}"] = _added(rounding, _chained(rounding, name, links))
    return links


def _derivatives(rounding: Rounding, links: Balls) -> Balls:
    """Of the SSR by every parameter: the last product of its chain, summed over the observations."""
    return {name: rounding.sum(_added(rounding, _chained(rounding, name, links))) for name in PARAMETERS}


def _chained(rounding: Rounding, name: str, links: Balls) -> list[Ball]:
    """d_ssr_d_A · d_A_d_name, for every formula A in which the name stands."""
    ways = []
    for output in (output for output, names in LOCAL_LINKS.items() if name in names):
        upstream, link = links[f"d_ssr_d_{output}"], links[f"d_{output}_d_{name}"]
        # A link of 1 is left out by one witness, and rounds nothing in the other.
        ways.append(upstream if is_added(name, FORMULAS[output]) else rounding.product(upstream, link))
    return ways


def _local_link(rounding: Rounding, formula: str, name: str, balls: Balls) -> Ball:
    """The sigmoid for SoftPlus; for a sum of products the other factors, of each term that has the name."""
    if softplus_of(formula):
        return rounding.sigmoid(balls[name])
    factors = []
    for term in terms_of(formula):
        for place in (k for k, factor in enumerate(term) if factor == name):
            others = term[:place] + term[place + 1 :]
            factors.append(_product(rounding, [balls[other] for other in others or ("one",)]))
    return _added(rounding, factors)


def _sum_of_products(rounding: Rounding, formula: str, balls: Balls) -> Ball:
    return _added(
        rounding, [_product(rounding, [balls[factor] for factor in term]) for term in terms_of(formula)]
    )


def _added(rounding: Rounding, terms: Sequence[Ball]) -> Ball:
    """The witnesses may add three terms or more in different orders: total, and not calls of plus."""
    return rounding.plus(*terms) if len(terms) == 2 else rounding.total(*terms)


def _product(rounding: Rounding, factors: Sequence[Ball]) -> Ball:
    return reduce(rounding.product, factors)
