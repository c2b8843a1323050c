"""The parameters of a module that are not judged: of none without values, and few without a reference."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from torch_reference.check.references.differences import MOST
from torch_reference.judging.calls.arguments import Arguments


def left_out(
    function: Any, reference: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[str, ...]:
    """What is to be said where a module has no reference, and more parameters than are moved one by one."""
    if reference is not None or not isinstance(function, nn.Module):
        return ()
    own = {name: value.numel() for name, value in function.named_parameters() if value.requires_grad}
    inputs = sum(value.numel() for value in Arguments.of(args, kwargs).point.values())
    if not own or sum(own.values()) + inputs <= MOST:
        return ()
    named = f"the parameters ({', '.join(own)}), {sum(own.values()):,} numbers"
    return (f"not judged: {named}; without a reference up to {MOST} are, with those of the inputs",)


def refuse_lazy(module: Any) -> None:
    """ValueError for a module whose parameters have no values yet; of anything else nothing is asked."""
    if isinstance(module, nn.Module):
        lazy = [name for name, value in module.named_parameters() if nn.parameter.is_lazy(value)]
        if lazy:
            raise ValueError(f"{', '.join(lazy)}: no values yet; call the lazy module once before")
