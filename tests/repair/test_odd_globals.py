"""A file of the user's may hold what raises an error where it is asked anything; its lines are edited."""

from pathlib import Path

import pytest
import torch

from torch_reference import check_function
from user_files import imported

SOURCE = """import numpy as np
import torch


class Unbound:
    def __getattribute__(self, name):
        raise RuntimeError("working outside of request context")


current = Unbound()


def helper(x, above):
    return above * np.sinh(x)


class Tanh(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.tanh()

    @staticmethod
    def backward(ctx, above):
        (x,) = ctx.saved_tensors
        d_x = above / x.cosh() ** 2
        d_x = d_x * x.cosh()
        return d_x


def forward(x):
    return np.tanh(x), x


def backward(x, above):
    d_x = helper(x, above) / np.sinh(x)
    d_x = d_x / np.cosh(x)
    return d_x
"""


@pytest.mark.medium
@pytest.mark.parametrize("is_function", [True, False])
def test_a_proxy_that_is_bound_to_nothing_hides_no_repair(is_function: bool, tmp_path: Path) -> None:
    """As werkzeug's are outside of a request, and lazily imported modules that are not installed."""
    made = imported(tmp_path, "odd_globals", SOURCE)
    x = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    wrong = made.Tanh if is_function else (made.forward, made.backward)
    report = str(check_function(wrong, torch.tanh, x if is_function else x.numpy()))
    assert "-        d_x = d_x * x.cosh()" in report or "-    d_x = d_x / np.cosh(x)" in report, report
