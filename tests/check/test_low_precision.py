"""Kernels in bfloat16: each gradient in its own dtype."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from functions_with_backward import w, x
from torch_reference import Verdict, check_function


@pytest.mark.medium
def test_each_gradient_has_the_dtype_of_its_own_input() -> None:
    """Mixed precision, as kernels have it: bfloat16 data with float32 weights."""
    data, weights = x.bfloat16(), w.float()

    def mixed(x: Tensor, w: Tensor) -> Tensor:
        return x.float() * w

    def backward(saved: tuple[Tensor, Tensor], g: Tensor) -> tuple[Tensor, Tensor]:
        return (g * saved[1]).bfloat16(), g * saved[0].float()

    right = (lambda x, w: (mixed(x, w), (x, w))), backward
    assert check_function(right, mixed, data, weights).agrees
    wrong = right[0], lambda saved, g: (g * saved[1], g * saved[0].float())
    first = check_function(wrong, mixed, data, weights).first_wrong
    assert (first.name, first.row.verdict) == ("inputs[0]", Verdict.WRONG_DTYPE)
    doubled = right[0], lambda saved, g: tuple(2 * value for value in backward(saved, g))
    found = [f for f in check_function(doubled, mixed, data, weights).findings if not f.agrees]
    assert [f.name for f in found] == ["inputs[0]", "inputs[1]"]
    # Twice the gradient: off by all of it, in roundings of 2⁻⁸ and of 2⁻²⁴, to within what bfloat16 rounds.
    for finding, roundings in zip(found, (2**8, 2**24), strict=True):
        assert finding.roundings == pytest.approx(roundings, rel=2**-6)


@pytest.mark.slow
def test_a_flipped_sign_is_refused_in_bfloat16() -> None:
    """A product of 64 rows, accumulated in float32 as PyTorch does it."""
    torch.manual_seed(0)
    rows, weights = torch.randn(64, 8), torch.randn(8, 3)

    def flipped(sign: float) -> tuple[Callable, Callable]:
        return (lambda x, w: (x @ w, (x, w))), lambda s, g: (g @ s[1].T, sign * s[0].T @ g)

    for dtype in (torch.bfloat16, torch.float32):
        right, wrong = (
            check_function(flipped(sign), torch.matmul, rows.to(dtype), weights.to(dtype)) for sign in (1, -1)
        )
        assert right.agrees
        assert [finding.row.explanation for finding in right.findings] == ["", "", ""]
        assert wrong.first_wrong.name == "inputs[1]"
