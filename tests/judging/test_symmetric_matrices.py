"""Functions of symmetric matrices read one triangle: a quotient of one element does not tell who is right."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import Function

from torch_reference import check_function


class TwiceCholesky(Function):
    """The lower factor; the two triangles are added where their mean belongs."""

    @staticmethod
    def forward(ctx: Any, matrix: Tensor) -> Tensor:
        factor = torch.linalg.cholesky(matrix)
        ctx.save_for_backward(factor)
        return factor

    @staticmethod
    def backward(ctx: Any, d_factor: Tensor) -> Tensor:  # type: ignore[override]
        (factor,) = ctx.saved_tensors
        inner = (factor.T @ d_factor).tril()
        inner = inner - 0.5 * torch.diag(inner.diagonal())
        inverse = torch.linalg.inv(factor)
        d_matrix = inverse.T @ inner @ inverse
        return d_matrix + d_matrix.T


@pytest.mark.medium
def test_pytorchs_symmetric_gradient_is_not_called_wrong() -> None:
    """At one element of the lower triangle the quotient is twice torch's: as if 2 were right."""
    torch.manual_seed(1)
    half = torch.randn(3, 3, dtype=torch.float64)
    matrix = half @ half.T + 3 * torch.eye(3, dtype=torch.float64)
    report = check_function(TwiceCholesky, torch.linalg.cholesky, matrix, ways=[], order=1)
    assert not report.agrees
    [finding] = [one for one in report.findings if one.name == "inputs[0]"]
    assert finding.wrong != "PyTorch's"
    assert finding.diagnosis is not None
    assert finding.diagnosis.kind == "factor 2"
