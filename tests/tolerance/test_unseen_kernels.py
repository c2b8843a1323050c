"""A kernel that runs past torch: off by roundings of its largest element, it loses digits, no more."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import Function

from torch_reference import check_function
from torch_reference.comparison import Verdict
from torch_reference.tolerance.gradient_sums import sums
from torch_reference.tolerance.own_code.own_draws import OwnDraws
from torch_reference.tolerance.own_code.own_roundings import _is_off_by_roundings


def weighted(factor: float, unseen: bool = True, only: torch.dtype | None = None) -> type[Function]:
    """A weighted sum whose backward loses its smallest elements, as a scan that subtracts two sums does.

    It takes no precision but one, where that is named.
    """

    class Weighted(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, w: Tensor) -> Tensor:
            ctx.save_for_backward(x, w)
            return (x * w).sum(-1)

        @staticmethod
        def backward(ctx: Any, above: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
            _, w = ctx.saved_tensors
            if w.dtype is not (only or w.dtype):
                raise TypeError(f"made for {only}")
            right = above[:, None] * w
            large = 3 * right.abs().max()
            if not unseen:
                return (right + large) - large, None
            found = torch.empty_like(right)
            found.numpy()[:] = factor * ((right.numpy() + large.numpy()) - large.numpy())
            return found, None

    return Weighted


def report(function: type[Function], dtype: torch.dtype, **options: Any) -> Any:
    """The check of it as it was given, with one weight that is small."""
    draws = torch.Generator().manual_seed(0)
    x, w = torch.randn(6, 5, generator=draws, dtype=dtype), torch.randn(5, generator=draws, dtype=dtype)
    w[2] = 1e-4
    return check_function(function, lambda x, w: (x * w).sum(-1), x, w, wrt=[0], ways=[], order=1, **options)


@pytest.mark.medium(1)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_small_elements_that_a_kernel_loses_are_not_called_wrong(dtype: torch.dtype) -> None:
    """They are no agreement either, but for who means it, of a kernel that takes this precision alone.

    Where operations are seen, these explain them, and else the other precision does.
    """
    found = report(weighted(1.0, only=dtype), dtype)
    assert not found
    (row,) = (finding.row for finding in found.findings if finding.name == "inputs[0]")
    assert row.verdict is Verdict.LOSES_DIGITS
    assert "code whose operations are not seen" in str(found).replace("\n    ", " ")
    assert "wrong is" not in str(found)
    assert report(weighted(1.0, only=dtype), dtype, accept=["loses digits"])
    assert report(weighted(1.0), dtype)
    assert report(weighted(1.0, unseen=False), dtype)


@pytest.mark.medium
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_kernel_that_is_wrong_differs(dtype: torch.dtype) -> None:
    """A ten-thousandth of the largest element, and what is off everywhere by a few roundings more."""
    for factor in (1 + 1e-4, 1 + 64 * torch.finfo(dtype).eps if dtype == torch.float32 else 1 + 1e-5):
        found = report(weighted(factor), dtype)
        (row,) = (finding.row for finding in found.findings if finding.name == "inputs[0]")
        assert row.verdict is Verdict.DIFFERS, factor


def test_what_is_within_its_own_bound_may_be_off_by_more() -> None:
    """As the inverse of a matrix that is nearly singular is, beside one that is not."""
    expected, off = torch.ones(2, dtype=torch.float64), torch.tensor([1e-3, 1e-15], dtype=torch.float64)
    bounds = {which: torch.full_like(each, 1e-2) for which, each in sums(expected, expected)}
    own = OwnDraws(expected + off, expected, {"": torch.tensor([1e-2, 1e-16]).double(), **bounds})
    assert _is_off_by_roundings(own)
    own.bounds[""] = torch.full_like(off, 1e-16)
    assert not _is_off_by_roundings(own)
