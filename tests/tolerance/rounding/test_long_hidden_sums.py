"""A reduction with a long sum inside is right where its terms are added up one after another."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference.tolerance.verdicts import Tolerance

pytestmark = pytest.mark.medium
Function = Callable[[Tensor, Tensor], Tensor]


def in_order(terms: Tensor) -> Tensor:
    """Their sum in float32, of equal terms as far off as any."""
    return torch.tensor(np.add.accumulate(terms.flatten().numpy())[-1])


CASES: dict[str, tuple[Function, Function]] = {
    "distance": (torch.dist, lambda x, y: in_order((x - y) ** 2).sqrt()),
    "distance of order 1": (lambda x, y: torch.dist(x, y, 1), lambda x, y: in_order((x - y).abs())),
    "norm of order 3": (
        lambda x, y: torch.linalg.vector_norm(x - y, 3),
        lambda x, y: in_order((x - y).abs() ** 3) ** (1 / 3),
    ),
    "pairwise distance": (
        lambda x, y: functional.pairwise_distance(x.flatten()[None], y.flatten()[None])[0],
        lambda x, y: in_order((x - y + 1e-6) ** 2).sqrt(),
    ),
    "soft margin": (
        functional.soft_margin_loss,
        lambda x, y: in_order(torch.log1p(torch.exp(-x * y))) / x.numel(),
    ),
    "negative log-likelihood of images": (
        lambda x, y: functional.nll_loss(x.view(1, 2, 256, -1), (y[:1] > 0.5).long().view(1, 256, -1)),
        lambda x, y: -in_order(torch.where(y[0] > 0.5, x[1], x[0])) / x[0].numel(),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_one_after_another(name: str) -> None:
    """Of 2^17 terms, whose sum is off by hundreds of roundings; a factor of 1.001 differs."""
    reference, own = CASES[name]
    x, y = torch.rand(2, 2, 2**16, generator=torch.Generator().manual_seed(0))
    tolerance = Tolerance(lambda given: {"loss": reference(given["x"], given["y"])}, {"x": x, "y": y})
    loss = own(x, y)
    assert tolerance.rows({"loss": loss})["loss"].agrees
    assert not tolerance.rows({"loss": 1.001 * loss})["loss"].agrees


def test_of_a_few_thousand_terms_the_operation_is_taken_apart() -> None:
    """What hides no longer sum than is thought is known by its own."""
    x, y = torch.rand(2, 3000, generator=torch.Generator().manual_seed(0))
    reference, own = CASES["soft margin"]
    tolerance = Tolerance(lambda given: {"loss": reference(given["x"], given["y"])}, {"x": x, "y": y})
    assert tolerance.rows({"loss": own(x, y)})["loss"].agrees
