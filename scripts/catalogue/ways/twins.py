"""A right Function of any reference: its backward runs the reference again."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def twin(reference: Callable[..., Any]) -> type[torch.autograd.Function]:
    """A Function with the values of the reference and, by another way, its gradients."""

    def forward(ctx: Any, *inputs: Any) -> Any:
        ctx.options = [None if isinstance(value, Tensor) else value for value in inputs]
        ctx.save_for_backward(*(value if isinstance(value, Tensor) else None for value in inputs))
        return reference(*inputs)

    def backward(ctx: Any, *above: Tensor) -> tuple[Tensor | None, ...]:
        again = torch.is_grad_enabled()
        with torch.enable_grad():
            pairs = zip(ctx.saved_tensors, ctx.options, strict=True)
            inputs = [option if value is None else _own(value, again) for value, option in pairs]
            outputs = reference(*inputs)
            ends = list(outputs) if isinstance(outputs, tuple) else [outputs]
            wanted = [value for value in inputs if isinstance(value, Tensor) and value.requires_grad]
            found = iter(
                torch.autograd.grad(ends, wanted, list(above), create_graph=again, allow_unused=True)
            )
        return tuple(next(found) if any(value is each for each in wanted) else None for value in inputs)

    parts = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    return type("Twin", (torch.autograd.Function,), parts)


def _own(value: Tensor, again: bool) -> Tensor:
    """A leaf; where the backward itself is differentiated, a part of that graph."""
    if not (value.is_floating_point() or value.is_complex()):
        return value
    return value.view_as(value) if again and value.requires_grad else value.detach().requires_grad_()
