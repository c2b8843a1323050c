"""torch's SoftPlus is x beyond a threshold of 20: a derivation in float64 that is not is right as well."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 # torch's own name for it

from torch_reference import check_function
from torch_reference.tolerance.movement import Movement


def softplus(slope) -> tuple:
    """A SoftPlus by its formula, with a derivative of its own."""
    return (
        lambda x: (torch.logaddexp(x, torch.zeros_like(x)), x),
        lambda x, above: above * slope(x),
    )


x = torch.tensor([-30.0, -3.0, 0.5, 19.0, 20.5, 21.0, 25.0, 60.0], dtype=torch.float64)


@pytest.mark.parametrize("options", [{}, {"beta": 2.0, "threshold": 9.0}], ids=["1, 20", "2, 9"])
def test_the_exact_derivative_is_right(options: dict[str, float]) -> None:
    """σ(βx) is off by e^(−βx) from the 1 that torch takes, 2e-9 of it at 20: nine million roundings."""
    beta = options.get("beta", 1.0)

    def forward(x: Tensor) -> tuple[Tensor, Tensor]:
        return torch.logaddexp(beta * x, torch.zeros_like(x)) / beta, x

    right = forward, lambda x, above: above * torch.sigmoid(beta * x)
    for start in (x, x / 3):
        report = check_function(right, lambda x: F.softplus(x, **options), start, ways=[], order=1)
        assert report, str(report)


@pytest.mark.medium
def test_what_is_off_below_the_threshold_or_by_more_is_refused() -> None:
    """One part in 10⁹ at 19, and three in 10⁸ beyond, where torch leaves out 1.3e-9."""
    for place, off in ((3, 1e-9), (4, 3e-8), (7, 1e-12)):
        factor = torch.ones_like(x)
        factor[place] += off
        wrong = softplus(lambda x, factor=factor: torch.sigmoid(x) * factor)
        report = check_function(wrong, F.softplus, x, ways=[], order=1)
        assert not report, (place, str(report))
        assert f"inputs[0][{place}]" in str(report)


def test_beyond_a_low_threshold_the_slope_is_1() -> None:
    """At 1 the values jump by 0.3, and no slope between stands for the exact one."""

    def plain(x: Tensor) -> Tensor:
        return F.softplus(x, 2.0, 1.0)

    for slope in (1.0, 1.1):
        pair = (lambda x: (plain(x), x)), lambda x, above, slope=slope: above * where_above(2 * x, slope)
        assert check_function(pair, plain, x, ways=[], order=1, draws=0).agrees == (slope == 1)


def where_above(x: Tensor, slope: float) -> Tensor:
    """That slope above 1, and SoftPlus's own below."""
    return torch.where(x > 1, slope, torch.sigmoid(x))


def test_the_smallest_number_of_all_is_within_rounding() -> None:
    """At -744.95 the exponential is 5e-324; torch's log1p makes nothing of it, its softplus leaves it."""
    x = torch.tensor([-744.9486] * 9 + [-800.0, 0.0], dtype=torch.float64)
    movement = Movement(lambda values: {"y": F.softplus(values["x"])}, {"x": x})
    movement.at_least(4)
    assert ((F.softplus(x) - movement.expected["y"]).abs() <= movement.bound("y")).all()
