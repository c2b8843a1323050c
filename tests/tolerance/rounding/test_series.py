"""How far PyTorch's series are off in float64, beside mpmath, which torch has at hand by sympy."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, special

from torch_reference import check_function
from torch_reference.tolerance.movement import Movement
from torch_reference.tolerance.rounding.exact_results import OF_TRIGAMMA
from torch_reference.tolerance.rounding.roundings import unit

mpmath = pytest.importorskip("mpmath")
HALF = torch.tensor(2.5, dtype=torch.float64)

SERIES: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Any], Any], float]] = {
    "ψ′′": (partial(torch.polygamma, 2), partial(mpmath.polygamma, 2), 40.0),
    "ψ′′′": (partial(torch.polygamma, 3), partial(mpmath.polygamma, 3), 40.0),
    "I₀": (torch.i0, partial(mpmath.besseli, 0), 40.0),
    "I₁": (special.i1, partial(mpmath.besseli, 1), 40.0),
    "I₁ scaled": (special.i1e, lambda x: mpmath.exp(-x) * mpmath.besseli(1, x), 40.0),
    "erfcx": (special.erfcx, lambda x: mpmath.exp(x * x) * mpmath.erfc(x), 20.0),
    "ζ": (lambda x: special.zeta(1 + x, HALF), lambda x: mpmath.zeta(1 + x, 2.5), 20.0),
    "P": (lambda x: torch.igamma(HALF, x), lambda x: mpmath.gammainc(2.5, 0, x, regularized=True), 10.0),
    "Q": (lambda x: torch.igammac(HALF, x), lambda x: mpmath.gammainc(2.5, x, regularized=True), 20.0),
}
"""By name: torch's function, mpmath's, and up to where."""


def exactly(exact: Callable[[Any], Any], x: Tensor) -> Tensor:
    """What mpmath makes of each number, rounded once."""
    with mpmath.workdps(40):
        return torch.tensor([float(exact(mpmath.mpf(each))) for each in x.tolist()], dtype=x.dtype)


@pytest.mark.medium
@pytest.mark.parametrize("name", SERIES)
def test_the_exact_value_of_a_series_is_within_its_bound(name: str) -> None:
    """Of those that are off by most it is not, where they move by one rounding."""
    function, exact, last = SERIES[name]
    x = torch.linspace(0.3, last, 61, dtype=torch.float64)
    movement = Movement(lambda values: {"y": function(values["x"])}, {"x": x})
    movement.at_least(8)
    off = (exactly(exact, x) - movement.expected["y"]).abs()
    assert (off <= movement.bound("y")).all()
    assert (off > unit(x.dtype) * movement.expected["y"].abs()).any()


@pytest.mark.medium
def test_trigamma_has_nine_digits() -> None:
    """Five terms of the asymptotic series, from 6 on: what is left out is allowed thrice at most."""
    x = torch.linspace(0.3, 5, 61, dtype=torch.float64)
    right = exactly(partial(mpmath.polygamma, 1), x)
    off = float(((torch.polygamma(1, x) - right) / right).abs().amax())
    assert OF_TRIGAMMA / 2 < off < 3 * OF_TRIGAMMA


@pytest.mark.medium
def test_digamma_near_its_zero_is_off_by_roundings_of_its_terms() -> None:
    """By thousands of its own, at 1.46, and below zero by those of its reflection."""
    x = torch.cat([torch.linspace(1.461, 1.463, 61), torch.linspace(-3.7, -3.3, 61)]).double()
    movement = Movement(lambda values: {"y": torch.digamma(values["x"])}, {"x": x})
    movement.at_least(8)
    off = (exactly(mpmath.digamma, x) - movement.expected["y"]).abs()
    assert (off <= movement.bound("y")).all()
    assert (off > 20 * unit(x.dtype) * movement.expected["y"].abs()).any()


@pytest.mark.medium
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_connectionist_temporal_classification_is_a_recurrence_in_logarithms(dtype: torch.dtype) -> None:
    """Of 200 steps, each of which rounds a logarithm that grows: written out, by autograd, it is as right."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(200, 2, 5, generator=generator, dtype=dtype)
    targets = torch.tensor([[1, 2, 2], [3, 4, 1]])

    def by_torch(x: Tensor) -> Tensor:
        lengths = torch.tensor([200, 200]), torch.tensor([3, 3])
        return torch.nn.functional.ctc_loss(torch.log_softmax(x, -1), targets, *lengths, reduction="sum")

    def written_out(x: Tensor) -> Tensor:
        log_p, low = torch.log_softmax(x, -1), -1e30
        labels = torch.zeros(2, 7, dtype=torch.long)
        labels[:, 1::2] = targets
        may_skip = torch.zeros(2, 7, dtype=torch.bool)
        may_skip[:, 2:] = (labels[:, 2:] != 0) & (labels[:, 2:] != labels[:, :-2])
        alpha = torch.full((2, 7), low, dtype=dtype).scatter(
            1, torch.tensor([[0, 1]] * 2), log_p[0].gather(1, labels)[:, :2]
        )
        for step in log_p[1:]:
            one, two = (torch.nn.functional.pad(alpha, (n, 0), value=low)[:, :7] for n in (1, 2))
            ways = torch.stack([alpha, one, torch.where(may_skip, two, low)])
            alpha = torch.logsumexp(ways, 0) + step.gather(1, labels)
        return -torch.logsumexp(alpha[:, -2:], 1).sum()

    report = check_function(written_out, by_torch, x, ways=[], order=1)
    assert report.agrees, report
