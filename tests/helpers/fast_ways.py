"""The ways of the fast modules, with the kernel and without, and what shows a number that nobody wrote."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from manual_backprop.fast.kernels import compiled_library

COMPILED = compiled_library.library(torch.float64) is not None
WAYS = [
    pytest.param(True, id="compiled", marks=pytest.mark.skipif(not COMPILED, reason="no C compiler here")),
    pytest.param(False, id="in blocks"),
]


@contextmanager
def memory_of_nan() -> Iterator[None]:
    """New memory is full of NaN, so that a number that nobody wrote is seen in what is made of it."""
    empty = torch.empty
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "empty", lambda *shape, **rest: empty(*shape, **rest).fill_(torch.nan))
        yield
