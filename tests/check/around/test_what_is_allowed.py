"""What breaks a rule on purpose agrees where allow= names it, in every way of calling, and not without."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from torch_reference import check_function

X = torch.tensor([[0.3, -1.2, 0.7], [1.1, -0.4, 2.3]], dtype=torch.float64)


class DoublesInPlace(torch.autograd.Function):
    """Writes its result into its input."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """2 x, in x too."""
        return x.mul_(2).clone()

    @staticmethod
    def backward(ctx: Any, d_loss_d_y: Tensor) -> Tensor:
        """Twice what comes from above."""
        return 2 * d_loss_d_y


IDENTITY = (lambda x: (x, None)), lambda _, above: above.clone()
IN_PLACE = (lambda x: (x.mul_(2).clone(), None)), lambda _, above: 2 * above


@pytest.mark.medium
@pytest.mark.parametrize(
    ("function", "factor", "rule"),
    [
        (DoublesInPlace, 2, "input mutated"),
        (IN_PLACE, 2, "input mutated"),
        (IDENTITY, 1, "shares memory"),
    ],
)
def test_what_is_meant_agrees(function: Callable[..., Any], factor: int, rule: str) -> None:
    """A view of a parameter that is written into, too, has its gradient: training by it gives the same."""
    without = check_function(function, lambda x: factor * x, X.clone())
    assert {each.row.verdict.value for each in without.findings if not each.agrees} == {rule}
    report = check_function(function, lambda x: factor * x, X.clone(), allow=[rule])
    assert report.agrees, report
    assert "kinds of inputs" not in [name for name, status in report.ways if status == "fails"]


def test_what_is_allowed_is_judged() -> None:
    """Twice too much is wrong in place, too."""
    wrong = IN_PLACE[0], lambda _, above: 2.002 * above
    assert not check_function(wrong, lambda x: 2 * x, X.clone(), ways=[], order=1, allow=["input mutated"])
