"""Numbers that come late: in a training the GPU is far behind the calls, in a check it waits for them.

So what is launched on another stream, for which nobody waits, is done by chance before it is read.
"""

from collections.abc import Mapping
from typing import Any

import torch

from torch_reference.judging.calls.arguments import Tensors

CYCLES = 30_000_000
"""So long a GPU rests first, some hundredths of a second: all calls are made before it goes on."""


def is_on_a_gpu(tensors: Tensors) -> bool:
    """Whether what is launched may be behind what is called.

    >>> is_on_a_gpu({"x": torch.tensor([1.0])})
    False
    """
    return any(map(_is_there, tensors.values()))


def late(tensors: Tensors) -> dict[str, Any]:
    """The tensors; those on a GPU hold other numbers of the same kind until it has rested.

    Indices are there from the first, as one out of range ends the use of the GPU, and what is the user's.

    >>> late({"x": torch.tensor([1.0])})
    {'x': tensor([1.])}
    """
    if not is_on_a_gpu(tensors):
        return dict(tensors)
    there = [value for value in tensors.values() if _is_there(value) and not value.requires_grad]
    written = [(value, right) for value in there for right in [value.clone()] if _holds_others(value)]
    torch.cuda.synchronize()
    torch.cuda._sleep(CYCLES)  # type: ignore[no-untyped-call] # as torch's own tests of streams do
    for value, right in written:
        value.copy_(right)
    return dict(tensors)


def _is_there(value: torch.Tensor) -> bool:
    return value.is_cuda


def _holds_others(value: torch.Tensor) -> bool:
    """Write other numbers into it; not where several are at one place."""
    if not value.is_floating_point():
        return False
    try:
        value.mul_(0.75)
    except RuntimeError:
        return False
    return True


def read_at_once(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs as the next kernel of the stream reads them.

    >>> read_at_once({"outputs": torch.tensor([1.0]), "number": 2})
    {'outputs': tensor([1.]), 'number': 2}
    """
    return {
        name: value.detach().clone() if isinstance(value, torch.Tensor) else value
        for name, value in outputs.items()
    }
