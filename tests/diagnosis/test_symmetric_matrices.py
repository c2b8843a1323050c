"""Functions of symmetric matrices only: at others they have no value, or another one than the reference."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from torch_reference import check_function

HALF = torch.randn(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
MATRIX = HALF @ HALF.T + torch.eye(3, dtype=torch.float64)
RIGHT_HAND_SIDE = torch.tensor([[1.0], [-2.0], [0.5]], dtype=torch.float64)


def solved(matrix: Tensor, b: Tensor) -> Tensor:
    """As a solver of quadratic programs has it, which takes no other matrices."""
    if not torch.allclose(matrix, matrix.mT):
        raise ValueError("expected a symmetric matrix")
    torch.linalg.cholesky(matrix)
    return torch.linalg.solve(matrix, b)


def pair(spoiled: Callable[[Tensor], Tensor]) -> Any:
    """The same with a derivative by hand, of which the matrix's is spoiled."""

    def forward(matrix: Tensor, b: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        found = solved(matrix, b)
        return found, (matrix, found)

    def backward(saved: tuple[Tensor, Tensor], d_found: Tensor) -> tuple[Tensor, Tensor]:
        matrix, found = saved
        d_b = torch.linalg.solve(matrix.mT, d_found)
        return spoiled(-d_b @ found.mT), d_b

    return forward, backward


@pytest.mark.parametrize(
    ("kind", "told", "spoiled"),
    [
        ("symmetric part", "the mean of the right one and its transpose", lambda d: (d + d.mT) / 2),
        ("factor 2", "So it is of symmetric matrices", lambda d: 2 * d),
    ],
)
@pytest.mark.medium
def test_a_mistake_is_looked_for_at_symmetric_matrices(
    kind: str, told: str, spoiled: Callable[[Tensor], Tensor]
) -> None:
    """Numbers that were drawn one by one were none that it takes: nothing was known (qpth's Q)."""
    report = check_function(pair(spoiled), solved, MATRIX, RIGHT_HAND_SIDE, ways=[], order=1)
    [finding] = [each for each in report.findings if not each.agrees]
    assert finding.diagnosis is not None
    assert finding.diagnosis.kind == kind, str(report)
    assert told in finding.diagnosis.sentence


def test_what_is_drawn_at_others_is_told_of_others() -> None:
    """Of a function that takes any matrix a symmetric one is no more than one of them."""

    def product(matrix: Tensor, b: Tensor) -> Tensor:
        return matrix @ b

    pair = (
        (lambda matrix, b: (product(matrix, b), (matrix, b))),
        (lambda saved, d: (2 * d @ saved[1].mT, saved[0] @ d)),
    )
    report = check_function(pair, product, MATRIX, RIGHT_HAND_SIDE, ways=[], order=1)
    told = {each.name: each.diagnosis.sentence for each in report.findings if each.diagnosis}
    assert told == {"inputs[0]": "It is twice the right gradient."}
