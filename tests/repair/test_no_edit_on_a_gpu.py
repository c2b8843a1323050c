"""On a GPU an index out of range would end its use by the process: no edit is tried there."""

from types import FunctionType

import torch
from torch import Tensor

from torch_reference.repair.search import Trials
from torch_reference.repair.single_edits import repairs


def wrong(x: Tensor, above: Tensor) -> dict[str, Tensor]:
    """The derivative of x squared, wrong."""
    d_x = 3 * x * above
    return {"x": d_x}


def is_right(edited: FunctionType) -> bool:
    """At one point."""
    return torch.equal(edited(torch.ones(2), torch.ones(2))["x"], 2 * torch.ones(2))


def test_the_likeliest_line_is_told_none_the_less() -> None:
    """And on a processor the edit is found."""
    lines = [[wrong.__code__.co_firstlineno + 2]]
    here = repairs(Trials(wrong, is_right, is_right), wrong.__code__, lines, ())
    assert here.found[0].after.strip() == "2"
    there = repairs(Trials(wrong, is_right, is_right, False), wrong.__code__, lines, ())
    assert (there.found, there.tried) == ((), 0)
    assert there.lines == here.lines
