"""Where the right gradient is not finite, no mistake is made out and no line is blamed."""

import pytest
import torch

from torch_reference import check_function


def test_zero_at_a_kink_of_infinite_slope_is_no_path_dropped() -> None:
    """The root of |x w| at x = 0: autograd's gradient is NaN, and zeros are like nothing."""
    root = lambda x, w: (x @ w).abs().sqrt()  # noqa: E731
    zeros = (lambda x, w: (root(x, w), (x, w)), lambda saved, _: tuple(map(torch.zeros_like, saved)))
    x, w = torch.zeros(2, 3).double(), torch.tensor([1.0, 2.0, -0.5]).double()
    report = check_function(zeros, root, x, w, ways=[], order=1)
    assert str(report).startswith("UNDECIDED: 2 of 2 gradients inconclusive")
    assert {each.diagnosis.kind for each in report.findings if each.diagnosis} <= {"unknown"}
    assert "the reference is no number there, as where a slope is infinite" in str(report)
    assert "wrong here" not in str(report)
    assert "in your code" not in str(report)


@pytest.mark.medium
def test_zero_where_a_slope_is_infinite_is_like_nothing() -> None:
    """The root of x at 0, which autograd says is infinite."""
    kept = (lambda x: (x.sqrt(), x), lambda x, d: torch.where(x > 0, d / (2 * x.sqrt()), 0.0))
    report = check_function(kept, torch.sqrt, torch.tensor([0.0, 1.0]).double(), ways=[], order=1)
    assert not report.agrees
    assert "Autograd has no finite gradient" in str(report)
    assert "wrong is: undecided" in str(report)


def test_infinity_is_not_taken_for_the_gradient_at_zero() -> None:
    """1/(x − x) for the derivative of a root, which is infinite at zero alone."""
    infinite = (lambda x: (x.sqrt(), x), lambda x, d: d / (x - x))
    x = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
    report = check_function(infinite, torch.sqrt, x, ways=[], order=1)
    assert {each.diagnosis.kind for each in report.findings if each.diagnosis} == {"not finite"}
