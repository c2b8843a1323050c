"""Where a symmetric matrix is given, another that is not may be outside of what a function is for."""

import pytest
import torch
from torch import Tensor
from torch.linalg import solve

from autograd_functions import function, saving
from torch_reference import check_function

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
    assert not check_function(wrong, torch.linalg.inv, matrix, ways=["redrawn"], order=1)


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
