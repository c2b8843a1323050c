"""Edits of what decides how often a line runs."""

import pytest
import torch

from torch_reference import check_function
from user_files import imported

SOURCE = """
import torch


def forward(x, w):
    h, hs = torch.zeros_like(x[0]), []
    for t in range(len(x)):
        h = torch.tanh(x[t] + w * h)
        hs.append(h)
    return torch.stack(hs), (x, w, hs)


def backward(saved, d_hs):
    x, w, hs = saved
    d_x, d_w, carry = torch.zeros_like(x), torch.zeros_like(w), torch.zeros_like(w)
    for t in reversed(range(len(x))):
        d_z = (d_hs[t] + carry) * (1 - hs[t] ** 2)
        d_x[t] = d_z
        if t > 0:
            d_w += d_z * hs[t - 1]
        carry = d_z * w
    return d_x, d_w
"""


def fixes(tmp_path, right: str, wrong: str) -> tuple[str, int]:
    """The diff that is shown for a wrong line, and that line's number."""
    assert SOURCE.count(right) == 1
    module = imported(tmp_path, "recurrence", SOURCE.replace(right, wrong))
    torch.manual_seed(0)
    x, w = torch.randn(4, 3).double(), torch.randn(3).double()
    pair = module.forward, module.backward
    report = check_function(pair, lambda x, w: module.forward(x, w)[0], x, w, ways=[], order=1, draws=1)
    return report.fix, SOURCE[: SOURCE.index(right)].count("\n") + 1


@pytest.mark.slow
def test_a_condition_that_is_one_off_is_mended(tmp_path) -> None:
    """t > 1 where t > 0 was meant: nothing is wrong on the line inside it."""
    fix, _ = fixes(tmp_path, "if t > 0:", "if t > 1:")
    assert "+        if t > 0:" in fix or "+        if t >= 1:" in fix


@pytest.mark.slow
def test_a_loop_in_the_wrong_order_is_mended(tmp_path) -> None:
    """Forwards, where what is carried comes from the round behind."""
    fix, line = fixes(tmp_path, "in reversed(range(len(x)))", "in range(len(x))")
    assert f"@@ -{line - 2}," in fix
    assert "+    for t in reversed(range(len(x))):" in fix


@pytest.mark.medium
def test_a_loop_that_ends_too_early_is_mended(tmp_path) -> None:
    """The last step is never reached."""
    fix, _ = fixes(tmp_path, "in reversed(range(len(x)))", "in reversed(range(len(x) - 1))")
    assert "+    for t in reversed(range(len(x))):" in fix
