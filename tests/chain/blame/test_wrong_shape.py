"""A link of another shape: what follows from it by broadcasting says that it is meant."""

import pytest
import torch

from torch_reference import check_function
from user_files import imported

NORM = """
def forward(x, gamma):
    x_hat = (x - x.mean(0)) / (x.var(0, correction=0) + 1e-5).sqrt()
    return gamma * x_hat, (x_hat, (x.var(0, correction=0) + 1e-5).sqrt(), gamma)


def backward(saved, dout):
    x_hat, std, gamma = saved
    dgamma = (dout * x_hat).sum(0)
    dx_hat = dout * gamma
    dx = (dx_hat - dx_hat.mean(0) - x_hat * (dx_hat * x_hat).mean(0)) / std
    return dx, dgamma
"""


@pytest.mark.medium
def test_a_saved_input_in_place_of_the_gradient_is_named(tmp_path) -> None:
    """Without its factor dout it is gamma, one row of all: dx is zero but for roundings, by no factors."""
    right = "dx_hat = dout * gamma"
    module = imported(tmp_path, "norm", NORM.replace(right, "dx_hat = gamma"))
    torch.manual_seed(0)

    def reference(x, gamma):
        return torch.nn.functional.batch_norm(x, None, None, gamma, None, training=True)

    inputs = torch.randn(6, 3).double(), torch.randn(3).double()
    pair = (module.forward, module.backward)
    report = check_function(pair, reference, *inputs, ways=[], order=1, draws=2)
    assert report.line.line == NORM[: NORM.index(right)].count("\n") + 1
    assert [found.diagnosis.kind for found in report.findings if found.diagnosis] == ["factor missing"]
    assert "+    dx_hat = gamma * dout" in report.fix
