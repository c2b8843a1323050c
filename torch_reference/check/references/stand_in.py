"""A function's own forward as its reference: run under autograd, with a stand-in for ctx."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import Function as TorchFunction

from torch_reference.judging.calls.holders import mapped, tensors_mapped
from torch_reference.judging.calls.really import is_tensor


class StandIn:
    """A ctx that takes whatever a forward saves, and gives it back."""

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        """Remember which inputs require a gradient."""
        self.needs_input_grad = needs_input_grad
        self.saved_tensors: tuple[Any, ...] = ()
        self.non_differentiable: list[int] = []

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep them as they are."""
        self.saved_tensors = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Remember whose gradients are no one's."""
        self.non_differentiable += [id(tensor) for tensor in tensors]

    def save_for_forward(self, *tensors: Any) -> None:
        """Nothing is differentiated forwards here."""

    def mark_dirty(self, *tensors: Tensor) -> None:
        """What it changes is a copy here."""

    def set_materialize_grads(self, value: bool) -> None:
        """No backward is called here."""


def autograd_function(function: Any) -> type[TorchFunction] | None:
    """The autograd.Function that this is, or whose apply it is; None for anything else."""
    found = getattr(function, "__self__", function)
    return found if isinstance(found, type) and issubclass(found, TorchFunction) else None


def may_apply(function: Any) -> bool:
    """Whether it is an autograd.Function, or names an `apply`, to which it may hand its arguments on."""
    code = getattr(function, "__code__", None)
    return autograd_function(function) is not None or "apply" in getattr(code, "co_names", ())


def own_forward(function: Any) -> Callable[..., Any] | None:
    """The forward of an autograd.Function or of a pair as a plain function; None for anything else.

    >>> square = (lambda x: (x * x, x), lambda x, d_loss_d_y: 2 * x * d_loss_d_y)
    >>> own_forward(square)(torch.tensor(3.0))
    tensor(9.)
    """
    if isinstance(function, tuple) and len(function) == 2:
        return lambda *args, **kwargs: function[0](*_copied(args), **_copied(kwargs))[0]
    found = autograd_function(function)
    return None if found is None else _plain(found)


def _plain(function: type[TorchFunction]) -> Callable[..., Any]:
    def forward(*args: Any, **kwargs: Any) -> Any:
        ctx = StandIn(tuple(is_tensor(arg) and arg.requires_grad for arg in args))
        given = _copied(args)
        if function.setup_context is TorchFunction.setup_context:
            outputs = function.forward(ctx, *given, **_copied(kwargs))
        else:
            outputs = function.forward(*given, **_copied(kwargs))
            function.setup_context(ctx, given, outputs)
        return mapped(lambda leaf: leaf.detach() if id(leaf) in ctx.non_differentiable else leaf, outputs)

    return forward


def _copied(nest: Any) -> Any:
    """Copies in the same graph, which a forward may change in place."""
    return tensors_mapped(lambda tensor: tensor.clone(memory_format=torch.preserve_format), nest)
