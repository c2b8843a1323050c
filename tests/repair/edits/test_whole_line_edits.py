"""Edits that courses' code needs: a matrix or a divisor that was forgotten, np.add.at, a function's name."""

from types import ModuleType

import pytest
import torch
from torch import Tensor

from torch_reference import check_function
from torch_reference.judging.report import Report
from user_files import imported

SOURCE = """
import numpy as np


def slope(z):
    return 1 - np.tanh(z) ** 2


def slope_of_itself(z):
    return np.tanh(z)


def forward(a, x, w, size):
    z = a @ x @ w / size[:, None]
    return np.tanh(z), (a, x, w, size, z)


def backward(cache, dy):
    a, x, w, size, z = cache
    dz = dy * slope(z)
    dh = dz / size[..., None]
    dax = dh @ w.T
    dx = a.T @ dax
    dw = (a @ x).T.dot(dh)
    return None, dx, dw, None
"""

LOOKED_UP = """
import numpy as np


class Table:
    def __init__(self, rows):
        self.rows = rows

    def forward(self, index):
        self.index = index
        return self.rows[index]

    def backward(self, dy):
        return spread(dy, self.index, self.rows)


def spread(dy, index, rows):
    drows = np.zeros_like(rows)
    np.add.at(drows, index, dy)
    return drows


def forward(rows, index):
    table = Table(rows)
    return table.forward(index), table


def backward(table, dy):
    return table.backward(dy), None
"""


def report_on(module: ModuleType) -> Report:
    """On a graph's layer, its matrix square and not symmetric."""
    torch.manual_seed(0)
    a, x, w = (torch.randn(*size).double() for size in ((4, 4), (4, 3), (3, 5)))
    size = torch.rand(4).double() + 1

    def reference(a: Tensor, x: Tensor, w: Tensor, size: Tensor) -> Tensor:
        return torch.tanh(a @ x @ w / size[:, None])

    pair = module.forward, module.backward
    return check_function(pair, reference, a, x, w, size, wrt=[1, 2], ways=[], order=1, draws=1)


@pytest.mark.medium
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("dx = a.T @ dax", "dx = dax"),
        ("dh = dz / size[..., None]", "dh = dz"),
        ("dz = dy * slope(z)", "dz = dy * slope_of_itself(z)"),
        ("dw = (a @ x).T.dot(dh)", "dw = (a @ x).T.dot(dz)"),
    ],
)
def test_the_line_is_mended_as_it_was(tmp_path, right: str, wrong: str) -> None:
    """By one edit, which gives the right line again."""
    assert SOURCE.count(right) == 1
    report = report_on(imported(tmp_path, "graph_layer", SOURCE.replace(right, wrong)))
    assert [place.line for place in report.lines][:1] == [SOURCE[: SOURCE.index(right)].count("\n") + 1]
    assert f"+    {right}" in report.fix


@pytest.mark.medium
@pytest.mark.parametrize("wrong", ["drows[index] = dy", "drows[index] += dy"])
def test_a_helper_of_a_method_that_overwrites_is_mended(tmp_path, wrong: str) -> None:
    """The method has to call what was edited, and np.add.at adds what an index that occurs twice gets."""
    source = LOOKED_UP.replace("np.add.at(drows, index, dy)", wrong)
    module = imported(tmp_path, "looked_up", source)
    rows, index = torch.randn(5, 3).double(), torch.tensor([1, 4, 1, 0])
    pair = module.forward, module.backward
    report = check_function(pair, lambda rows, index: rows[index], rows, index, ways=[], order=1, draws=1)
    assert "+    np.add.at(drows, index, dy)" in report.fix, report


CLASSES = """
import numpy as np


def forward(x, y, w):
    p = np.exp(x @ w)
    p = p / p.sum(axis=1, keepdims=True)
    return -np.sum(y * np.log(p)), (x, y, p)


def backward(cache, dloss):
    x, y, p = cache
    dz = (y - p) * dloss
    return None, None, x.T @ dz
"""


@pytest.mark.medium
def test_what_sums_to_one_does_so_where_an_edit_is_tried(tmp_path) -> None:
    """p - y is the derivative for probabilities y, and for no other numbers."""
    module = imported(tmp_path, "classes", CLASSES)
    torch.manual_seed(0)
    x, y, w = torch.randn(5, 4).double(), torch.eye(3).double()[[0, 2, 1, 1, 0]], torch.randn(4, 3).double()

    def reference(x: Tensor, y: Tensor, w: Tensor) -> Tensor:
        return -(y * torch.log_softmax(x @ w, 1)).sum()

    pair = module.forward, module.backward
    report = check_function(pair, reference, x, y, w, wrt=[2], ways=[], order=1, draws=1)
    assert report.fix, report
