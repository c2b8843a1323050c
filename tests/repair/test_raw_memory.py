"""Nothing that reads memory by address is run with another text: it would write where other things are."""

import ctypes
from typing import Any

import torch
from torch import Tensor

from autograd_functions import function
from torch_reference import check_function

library = ctypes.CDLL(None)
x = torch.randn(3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def launched(number: int) -> int:
    """As a kernel is."""
    made: int = library.abs(number)
    return made


def through_a_library(ctx: Any, g: Tensor) -> Tensor:
    """Two slips of a sign, one of them in what a library is given."""
    return -g * launched(2)


def by_itself(ctx: Any, g: Tensor) -> Tensor:
    """The same without it."""
    return -g * 2


def test_no_edit_of_what_a_kernel_is_given_is_tried() -> None:
    """The line is named, and no edit; without the library there is one."""
    forward = lambda ctx, x: x * 2  # noqa: E731
    twice = lambda x: x * 2  # noqa: E731
    report = check_function(function(forward, through_a_library), twice, x, ways=[])
    assert not report
    assert report.fix == ""
    assert check_function(function(forward, by_itself), twice, x, ways=[]).fix
