"""Where a symmetric matrix is given, another that is not may be outside of what a function is for."""

import pytest
import torch
from torch import Tensor
from torch.linalg import solve

from autograd_functions import function, saving
from torch_reference import check_function
from torch_reference.check.ways.near import is_symmetric

draws = torch.Generator().manual_seed(0)
half = torch.randn(3, 3, generator=draws, dtype=torch.float64)
matrix, right_side = (
    half @ half.mT + 3 * torch.eye(3),
    torch.randn(3, 2, generator=draws, dtype=torch.float64),
)


def by_cholesky(matrix: Tensor, right_side: Tensor) -> Tensor:
    """What reads one triangle."""
    return torch.cholesky_solve(right_side, torch.linalg.cholesky(matrix))


def test_what_reads_one_triangle_is_right_at_symmetric_matrices() -> None:
    """It is called at other symmetric ones, and others are warned of."""
    report = check_function(by_cholesky, solve, matrix, right_side, wrt=[1], ways=["redrawn"], order=1)
    assert report.agrees, report
    assert report.warnings


@pytest.mark.medium
def test_a_forgotten_transpose_is_found_all_the_same() -> None:
    """Its outputs are right at any matrix, so that its gradient has to be."""
    wrong = function(saving(torch.linalg.inv), lambda ctx, d_y: -inverse(ctx) @ d_y @ inverse(ctx))
    report = check_function(wrong, torch.linalg.inv, matrix, ways=["redrawn"], order=1)
    assert not report
    assert "at inputs redrawn near them, no longer symmetric" in str(report)


def inverse(ctx) -> Tensor:
    """Of the saved input."""
    return torch.linalg.inv(ctx.saved_tensors[0])


@pytest.mark.medium
def test_a_zero_on_one_side_of_the_diagonal_is_on_the_other_too() -> None:
    """Of what a Cholesky factor is made of no other value is known (pytorch #3423: a determinant)."""
    determinant = function(by_its_factor, lambda ctx, above: above * ctx.factor * inverse(ctx).mT)
    report = check_function(determinant, torch.linalg.det, matrix, ways=["zeros"], order=1)
    assert report.agrees, report


def by_its_factor(ctx, x: Tensor) -> Tensor:
    """The square of the product of a diagonal."""
    ctx.save_for_backward(x)
    ctx.factor = torch.linalg.cholesky(x).diagonal().prod() ** 2
    return ctx.factor.clone()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_a_product_with_its_transpose_is_symmetric(dtype: torch.dtype) -> None:
    """Though its two triangles differ in their last digits; of one that differs in more it is not said."""
    x = torch.randn(40, 40, generator=torch.Generator().manual_seed(0)).to(dtype)
    product = x @ x.mT
    product[3, 5] = torch.nextafter(product[5, 3], torch.tensor(0, dtype=dtype))
    assert is_symmetric(product)
    assert not is_symmetric(product.index_add(0, torch.tensor([3]), product[3:4] / 8))
    assert not is_symmetric(x)


@pytest.mark.medium
def test_what_is_symmetric_but_for_roundings_stays_so() -> None:
    """A Cholesky factor is made of one triangle of it (linear_operator's inv_quad)."""
    x = torch.randn(32, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    nearly = x @ x.mT / 32 + torch.eye(32)
    nearly[0, 1:] *= 1 + 2**-52
    report = check_function(
        lambda a, b: (b * by_cholesky(a, b)).sum(),
        lambda a, b: (b * solve(a, b)).sum(),
        *(nearly, x[:, :2]),
        ways=["redrawn", "zeros"],
        order=1,
    )
    assert report.agrees, report
    assert "no longer symmetric" in report.warnings[0]
