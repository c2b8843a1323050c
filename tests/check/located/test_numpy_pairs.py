"""The lines of a course's assignment in numpy: it gets arrays, as in the check itself, and no tensors."""

import numpy as np
import pytest
import torch

from torch_reference import check_function
from torch_reference.chain.inside import links_of_function
from user_files import imported

SOURCE = """
import numpy as np


def step_forward(x, prev_h, Wx, Wh, b):
    h = np.tanh(x.dot(Wx) + prev_h.dot(Wh) + b)
    return h, (x, prev_h, Wx, Wh, h)


def step_backward(dh, cache):
    x, prev_h, Wx, Wh, h = cache
    da = dh * (1 - h ** 2)
    dx = da.dot(Wx.T)
    dprev_h = da.dot(Wh.T)
    dWx = x.T.dot(da)
    dWh = np.dot(prev_h.T, da)
    db = np.sum(da, axis=0)
    return dx, dprev_h, dWx, dWh, db
"""


def reference(x, h, Wx, Wh, b):  # noqa: N803 # the course's own names
    """One step of a recurrence."""
    return torch.tanh(x @ Wx + h @ Wh + b)


def report_on(tmp_path, right: str, wrong: str):
    """What is said of a wrong line, and its number."""
    assert SOURCE.count(right) == 1
    module = imported(tmp_path, "assignment", SOURCE.replace(right, wrong))
    torch.manual_seed(0)
    inputs = [torch.randn(*shape).double().numpy() for shape in ((3, 4), (3, 5), (4, 5), (5, 5), (5,))]
    pair = (module.step_forward, lambda cache, dh: module.step_backward(dh, cache))
    report = check_function(pair, reference, *inputs, ways=[], order=1, draws=1)
    return report, SOURCE[: SOURCE.index(right)].count("\n") + 1


@pytest.mark.medium
def test_the_wrong_line_is_named_and_mended(tmp_path) -> None:
    """Its forward pass has a graph, though it is numpy's."""
    report, line = report_on(tmp_path, "np.sum(da, axis=0)", "np.mean(da, axis=0)")
    assert report.line.line == line
    assert "+    db = np.sum(da, axis=0)" in report.fix


@pytest.mark.medium
def test_a_line_behind_several_wrong_gradients_is_named_too(tmp_path) -> None:
    """All five need it."""
    report, line = report_on(tmp_path, "(1 - h ** 2)", "(1 - h)")
    assert report.line.line == line
    assert "+    da = dh * (1 - h ** 2)" in report.fix


def test_a_forward_pass_that_takes_no_tensor_with_a_graph_runs_without_one() -> None:
    """np.asarray takes a plain tensor, and refuses one that requires a gradient."""

    def forward(x, w):
        a = np.maximum(np.asarray(x), 0)
        return torch.as_tensor(a) * w, (x, w, a)

    def backward(saved, d):
        x, w, a = saved
        d_w = 2 * d * torch.as_tensor(a)
        return d * w * (x > 0), d_w

    x, w = (torch.randn(3, dtype=torch.float64) for _ in range(2))
    above = [torch.randn(3, dtype=torch.float64)]
    links = links_of_function((forward, backward), lambda x, w: x.relu() * w, [x, w], [True, True], above)
    assert [link.quantity.place.source for link in links.wrong] == ["d_w = 2 * d * torch.as_tensor(a)"]
