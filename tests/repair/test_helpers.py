"""A mistake inside a helper: no edit of the line that calls it mends it, one of the helper's does."""

import pytest
import torch

from torch_reference import check_function
from user_files import imported

SOURCE = """
import torch


def d_tanh(z):
    t = torch.tanh(z)
    return 1 - t * t


def inner(d_out, z, a):
    d_a = d_out * a.sigmoid() * (1 - a.sigmoid())
    d_a = d_a * d_tanh(z)
    return d_a


def both(grad, x, w):
    grad_x = grad @ w.T
    grad_w = x.T @ grad
    return grad_x, grad_w


def forward(x, w):
    z = x @ w
    a = torch.tanh(z)
    return torch.sigmoid(a), (x, w, z, a)


def backward(saved, grad_out):
    x, w, z, a = saved
    grad_out = inner(grad_out, z, a)
    grad_x, grad_w = both(grad_out, x, w)
    return grad_x, grad_w
"""

BIASED = """
import torch


def gate_back(g, bias, y):
    s = torch.sigmoid(bias + y)
    return g * s * (1 - s)


def forward(x, bias):
    return torch.sigmoid(x + bias), (x, bias)


def backward(saved, g):
    x, bias = saved
    tmp = gate_back(g, bias, x)
    return tmp, tmp.sum(0)
"""


@pytest.mark.medium
def test_a_helper_that_made_one_gradient_and_fed_another_is_mended(tmp_path) -> None:
    """One is wrong where the helper returned it, one on a line of its caller."""
    module = imported(tmp_path, "biased", BIASED.replace("(1 - s)", "(2 - s)"))
    torch.manual_seed(0)
    inputs = torch.randn(4, 3).double(), torch.randn(3).double()
    pair = (module.forward, module.backward)
    report = check_function(pair, lambda x, b: (x + b).sigmoid(), *inputs, ways=[], order=1, draws=1)
    assert report.line.source == "return g * s * (2 - s)"
    assert "+    return g * s * (1 - s)" in report.fix


@pytest.mark.medium
@pytest.mark.parametrize(
    ("right", "wrong"),
    [("1 - t * t", "1 + t * t"), ("(1 - a.sigmoid())", "(2 - a.sigmoid())")],
    ids=["two calls deep", "what both wrong gradients were handed"],
)
def test_the_line_of_the_helper_is_named_and_mended(tmp_path, right: str, wrong: str) -> None:
    """grad_out has two values, and the wrong one stands between two helpers."""
    module = imported(tmp_path, "helpers", SOURCE.replace(right, wrong))
    torch.manual_seed(0)
    inputs = torch.randn(4, 3).double(), torch.randn(3, 2).double()
    pair = (module.forward, module.backward)
    report = check_function(pair, lambda x, w: (x @ w).tanh().sigmoid(), *inputs, ways=[], order=1, draws=1)
    assert SOURCE[: SOURCE.index(right)].count("\n") + 1 in [place.line for place in report.lines]
    assert right in report.fix
