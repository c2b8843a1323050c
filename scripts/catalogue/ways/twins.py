"""A right Function of any reference: its backward runs the reference again."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def twin(reference: Callable[..., Any]) -> type[torch.autograd.Function]:
    """A Function with the values of the reference and, by another way, its gradients."""

    def forward(ctx: Any, *inputs: Any) -> Any:
        ctx.save_for_backward(*inputs)
        return reference(*inputs)

    def backward(ctx: Any, *above: Tensor) -> tuple[Tensor | None, ...]:
        again = torch.is_grad_enabled()
        with torch.enable_grad():
            inputs = [_own(value, again) for value in ctx.saved_tensors]
            outputs = reference(*inputs)
            ends = list(outputs) if isinstance(outputs, tuple) else [outputs]
            wanted = [value for value in inputs if value.requires_grad]
            found = iter(
                torch.autograd.grad(ends, wanted, list(above), create_graph=again, allow_unused=True)
            )
        return tuple(next(found) if value.requires_grad else None for value in inputs)

    parts = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    return type("Twin", (torch.autograd.Function,), parts)


def _own(value: Tensor, again: bool) -> Tensor:
    """A leaf; where the backward itself is differentiated, a part of that graph."""
    if not (value.is_floating_point() or value.is_complex()):
        return value
    return value.view_as(value) if again and value.requires_grad else value.detach().requires_grad_()
