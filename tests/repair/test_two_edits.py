"""Two edits of which each alone makes it right are told apart."""

from pathlib import Path

import torch

from torch_reference import check_function
from user_files import imported

SOURCE = """
def forward(x):
    return x**3, x


def backward(x, d_y):
    slope = x**2
    d_x = slope * d_y
    return d_x
"""


def test_of_two_edits_each_is_a_patch_of_its_own(tmp_path: Path) -> None:
    """A factor is missing on either line: both at once would be one too many."""
    module, x = imported(tmp_path, "cube", SOURCE), torch.tensor([0.3, -0.7, 1.1]).double()
    report = check_function((module.forward, module.backward), lambda x: x**3, x, ways=[], order=1)
    assert len(report.repairs.found) == 2
    first, second = str(report.repairs).split("or, in its place, this one:\n")
    assert [part.count("--- a/") for part in (first, second)] == [1, 1]
