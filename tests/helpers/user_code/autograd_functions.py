"""A torch.autograd.Function in one line."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def function(forward: Callable, backward: Callable) -> type[torch.autograd.Function]:
    """An autograd.Function of these two."""
    parts = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    return type("F", (torch.autograd.Function,), parts)


def saving(forward: Callable) -> Callable:
    """The forward of a Function that saves its inputs."""

    def saves(ctx: Any, *inputs: Tensor) -> Tensor:
        ctx.save_for_backward(*inputs)
        return forward(*inputs)

    return saves
