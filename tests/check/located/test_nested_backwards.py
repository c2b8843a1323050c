"""A backward that calls others: the helper's line is named if that is wrong, else the caller's."""

from pathlib import Path

import pytest
import torch

from torch_reference import check_function
from torch_reference.chain.inside import links_of_function
from user_files import imported

LAYERS = """import torch
import torch.nn.functional as F


def affine_forward(x, w, b):
    out = x @ w + b
    return out, (x, w, b)


def affine_backward(dout, cache):
    x, w, b = cache
    dx = dout @ w.T
    dw = x.T @ dout
    db = dout.sum(0)
    return dx, dw, db


def relu_forward(x):
    return x.clamp(min=0), x


def relu_backward(dout, x):
    dx = dout * (x > 0)
    return dx


def hidden_forward(x, w, b):
    a, affine_cache = affine_forward(x, w, b)
    out, relu_cache = relu_forward(a)
    return out, (affine_cache, relu_cache)


def hidden_backward(dout, cache):
    affine_cache, relu_cache = cache
    da = relu_backward(dout, relu_cache)
    return affine_backward(da, affine_cache)


def forward(x, w1, b1, w2, b2):
    h, hidden_cache = hidden_forward(x, w1, b1)
    scores, affine_cache = affine_forward(h, w2, b2)
    return scores, (hidden_cache, affine_cache)


def backward(cache, dout):
    hidden_cache, affine_cache = cache
    dh, dw2, db2 = affine_backward(dout, affine_cache)
    dx, dw1, db1 = hidden_backward(dh, hidden_cache)
    return dx, dw1, db1, dw2, db2


def reference(x, w1, b1, w2, b2):
    return F.relu(x @ w1 + b1) @ w2 + b2
"""
MISTAKES = [
    ("dx = dout @ w.T", "dx = 2 * dout @ w.T"),
    ("dw = x.T @ dout", "dw = -x.T @ dout"),
    ("dx = dout * (x > 0)", "dx = dout.clone()"),
    ("return affine_backward(da, affine_cache)", "return affine_backward(dout, affine_cache)"),
    ("dh, dw2, db2 = affine_backward(dout,", "dh, dw2, db2 = affine_backward(2 * dout,"),
    ("hidden_backward(dh, hidden_cache)", "hidden_backward(-dh, hidden_cache)"),
    ("return dx, dw1, db1, dw2, db2", "return dx, dw1, db1, 2 * dw2, db2"),
]
SHAPES = [(5, 4), (4, 3), (3,), (3, 6), (6,)]


@pytest.mark.sample(2)
@pytest.mark.parametrize(("right", "wrong"), MISTAKES)
def test_the_line_of_the_helper_or_of_the_caller_is_wrong_here(
    tmp_path: Path, right: str, wrong: str
) -> None:
    """Though every helper calls its variables x and dout."""
    torch.manual_seed(0)
    source = LAYERS.replace(right, wrong)
    module = imported(tmp_path, "layers", source)
    inputs = [torch.randn(shape, dtype=torch.float64) for shape in SHAPES]
    upstream = [torch.randn(5, 6, dtype=torch.float64)]
    pair = (module.forward, module.backward)
    links = links_of_function(pair, module.reference, inputs, [True] * 5, upstream)
    places = {link.quantity.place.line for link in links.wrong if link.quantity.place}
    assert places == {source[: source.index(wrong)].count("\n") + 1}


@pytest.mark.slow
def test_the_edit_is_one_of_the_caller_s_line_where_that_is_wrong(tmp_path: Path) -> None:
    """The helper is right, and is not edited; its names say in which call they are."""
    right, wrong = MISTAKES[3]
    module = imported(tmp_path, "layers", LAYERS.replace(right, wrong))
    inputs = [torch.randn(shape, dtype=torch.float64) for shape in SHAPES]
    report = check_function((module.forward, module.backward), module.reference, *inputs, ways=[], order=1)
    [edit] = report.repairs.found
    assert (edit.before, edit.after) == ("dout", "da")
    assert "✗ dout in affine_backward, call 2 of 2" in str(report)
