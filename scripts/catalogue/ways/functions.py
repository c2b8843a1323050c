"""Functions that are right as they are given, and wrong in one way of calling."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

x = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
w = torch.rand(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) + 0.5


def function(forward: Callable[..., Any], backward: Callable[..., Any]) -> type[torch.autograd.Function]:
    """An autograd.Function of these two."""
    parts = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    return type("F", (torch.autograd.Function,), parts)


def saving(forward: Callable[..., Any]) -> Callable[..., Any]:
    """The forward of a Function that saves its inputs."""

    def saves(ctx: Any, *inputs: Tensor) -> Any:
        ctx.save_for_backward(*inputs)
        return forward(*inputs)

    return saves


def five_times(ctx: Any, x: Tensor) -> Tensor:
    """The forward of most of these functions."""
    return x * 5


def times_five(backward: Callable[[Tensor], Tensor]) -> type[torch.autograd.Function]:
    """A Function x · 5 whose backward is made from the upstream gradient."""
    return function(five_times, lambda ctx, g: backward(g))


def wrong_if(odd: Callable[[Tensor], bool]) -> type[torch.autograd.Function]:
    """Right but for upstream gradients that are odd."""
    return times_five(lambda g: g * (6 if odd(g) else 5))


def wrong_for_inputs(odd: Callable[[Tensor], bool]) -> type[torch.autograd.Function]:
    """Right but for inputs that are odd."""

    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.factor = 6 if odd(x) else 5
        return x * 5

    return function(forward, lambda ctx, g: g * ctx.factor)


class Remembers(torch.autograd.Function):
    """Keeps what its backward needs on the class, where the next forward overwrites it."""

    kept: Tensor

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """The square."""
        Remembers.kept = x.clone()
        return x * x

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        """With whatever was kept last."""
        return 2 * g * Remembers.kept


def scales_itself(ctx: Any, g: Tensor) -> Tensor:
    """The second time through one graph it is another one."""
    return ctx.slope.mul_(g)


def sine(ctx: Any, x: Tensor) -> Tensor:
    """Keeps its slope."""
    ctx.slope = x.cos()
    return x.sin()


def not_in_training(x: Tensor) -> Tensor:
    """Another value where nothing is differentiated."""
    return x * 5 if torch.is_grad_enabled() else x * 6


def saves_a_scale(ctx: Any, x: Tensor, w: Tensor) -> Tensor:
    """A product that tells its inputs by their addresses."""
    ctx.save_for_backward(x, w)
    return x * w


def adds_only_one(ctx: Any, g: Tensor) -> tuple[Tensor | None, Tensor]:
    """The gradient of w alone where x is w."""
    x, w = ctx.saved_tensors
    return None if x.data_ptr() == w.data_ptr() else g * w, g * x


def leaves_out(ctx: Any, g: Tensor) -> tuple[Tensor | None, Tensor]:
    """Nothing for w where x needs nothing."""
    x, w = ctx.saved_tensors
    return g * w, (g * x if ctx.needs_input_grad[0] else torch.zeros_like(w))


def unused_is_none(ctx: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Two outputs, of which the upstream gradient may be None."""
    ctx.set_materialize_grads(False)
    return x * 2, x * 3


def overwrites(table: Tensor, index: Tensor) -> Any:
    """A gather whose backward overwrites where an index occurs twice."""

    def backward(saved: Any, g: Tensor) -> tuple[Tensor, None]:
        found = torch.zeros_like(saved[0])
        found[saved[1]] = g
        return found, None

    return (lambda t, i: (t[i], (t, i))), backward


def is_row_sliced(value: Tensor) -> bool:
    """Rows are apart."""
    return value.ndim == 2 and value.stride(-1) == 1 and value.stride(0) > value.shape[1]


def same_rows(value: Tensor) -> bool:
    """All rows are equal, of at least two."""
    return len(value) > 1 and bool((value == value[:1]).all())


def has_zeros(x: Tensor) -> bool:
    """Some numbers are zero, and not all."""
    return bool((x == 0).any()) and not bool((x == 0).all())


def is_small(x: Tensor) -> bool:
    """All are below a hundredth."""
    return x.numel() > 0 and bool((x.abs() < 0.01).all())


def flushed(g: Tensor) -> Tensor:
    """Nothing of what is small."""
    return torch.where(g.abs() < 1e-9, 0 * g, 5 * g)


def not_for_parameters(x: Tensor) -> Tensor:
    """No gradient for a parameter."""
    return (x.detach() if isinstance(x, nn.Parameter) else x) * 5


def of_the_norm(ctx: Any, g: Tensor) -> Tensor:
    """Divides by a norm that may be zero."""
    (x,) = ctx.saved_tensors
    return g[:, None] * x / x.norm(dim=-1, keepdim=True)


def saves_targets(ctx: Any, x: Tensor, targets: Tensor) -> Tensor:
    """A loss that leaves out the targets that are to be ignored."""
    ctx.save_for_backward(x, targets)
    return cross_entropy(x, targets)


def counts_all_targets(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
    """And a gradient that does not."""
    x, targets = ctx.saved_tensors
    return g * (x.softmax(-1) - one_hot(targets.clamp(min=0), x.shape[-1])) / len(x), None
