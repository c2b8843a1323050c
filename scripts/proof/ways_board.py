"""Mistakes that only one way of calling shows, through this project and gradcheck with all its options."""

import warnings
from collections.abc import Callable
from typing import Any

import torch

from catalogue.ways import ALL, twin
from proof.cpu_seconds import cpu_seconds
from torch_reference import check_function


def ours(function: Any, reference: Callable[..., Any], inputs: tuple[Any, ...]) -> bool:
    """Whether the check refuses it, in all ways."""
    return not check_function(function, reference, *inputs, draws=0)


def gradchecks(function: Any, reference: Callable[..., Any], inputs: tuple[Any, ...]) -> bool:
    """Whether gradcheck or gradgradcheck refuses it; both see what is differentiated alone."""
    call = function.apply if isinstance(function, type) else function
    if isinstance(function, tuple):  # a pair of functions has no graph: it is checked as a Function
        call = _as_function(*function).apply
    given = tuple(
        value.detach().clone().requires_grad_()
        if isinstance(value, torch.Tensor) and (value.is_floating_point() or value.is_complex())
        else value
        for value in inputs
    )
    has_tangents = isinstance(function, type) and function.jvp is not torch.autograd.Function.jvp
    options: dict[str, bool] = {"check_undefined_grad": True, "check_batched_grad": True}
    try:
        torch.autograd.gradcheck(
            call, given, **options, check_grad_dtypes=True, check_forward_ad=has_tangents
        )
        torch.autograd.gradgradcheck(call, given, **options)
    except Exception:  # its own error, and whatever the function raises
        return True
    return False


def _as_function(forward: Callable[..., Any], backward: Callable[..., Any]) -> type[torch.autograd.Function]:
    def run(ctx: Any, *inputs: Any) -> Any:
        outputs, ctx.saved = forward(*inputs)
        return outputs

    parts = {"forward": staticmethod(run), "backward": staticmethod(lambda ctx, *g: backward(ctx.saved, *g))}
    return type("Pair", (torch.autograd.Function,), parts)


def ways_board() -> dict[str, dict[str, Any]]:
    """For each tool what it missed of the mistakes, which right twins it refused, and processor seconds."""
    found = {}
    for name, refuses in (("this project", ours), ("gradcheck and gradgradcheck", gradchecks)):
        start = cpu_seconds()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            missed = [
                title
                for title, (_, wrong, reference, inputs) in ALL.items()
                if not refuses(wrong, reference, inputs)
            ]
            alarms = [
                title
                for title, (_, _, reference, inputs) in ALL.items()
                if refuses(twin(reference), reference, inputs)
            ]
        seconds = cpu_seconds() - start
        found[name] = {"missed": missed, "false_alarms": alarms, "seconds": seconds}
    return found
