"""The inputs whose gradients are asked for."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from torch_reference.judging.calls.arguments import Arguments
from torch_reference.judging.calls.really import is_a, is_tensor


def wanted_names(
    arguments: Arguments, wrt: Sequence[int | str] | None, outermost: bool = False
) -> tuple[str, ...]:
    """The names that wrt chooses; without it those with requires_grad, and if none has, all that may have.

    outermost is for an autograd.Function, whose backward hands nothing to what is inside of an argument: if
    another argument is a tensor, it is not asked for.

    Errors: ValueError for positions and keywords without such a tensor, or where no input is one
    """
    if wrt is None:
        wanted = arguments.asked_for or arguments.differentiable
        if outermost and not arguments.asked_for:
            wanted = tuple(name for name in wanted if name.count("[") == 1) or wanted
    else:
        wanted = tuple(dict.fromkeys(name for key in wrt for name in _named(arguments, key)))
        if not wanted:
            raise ValueError("wrt: expected one argument at least, found none")
    for name in wanted:
        if name not in arguments.point:  # a nested tensor, or one of a library's own layout
            told = _told(arguments.leaves[arguments.names.index(name)])
            raise ValueError(
                f"{name}: the gradient of {told} cannot be judged: give its numbers, and make it inside"
            )
    if not wanted:
        found = ", ".join(dict.fromkeys(map(_told, arguments.leaves))) or "none"
        raise ValueError(
            f"inputs: expected at least one tensor of a floating-point type, found {found}: there is nothing"
            " to differentiate"
        )
    return wanted


def _told(leaf: Any) -> str:
    """What an argument is, in a word or two."""
    if not is_tensor(leaf):
        return f"an array of {leaf.dtype}" if is_a(leaf, np.ndarray) else type(leaf).__name__
    layout = str(leaf.layout).removeprefix("torch.")
    kind = "nested" if leaf.is_nested else "" if layout == "strided" else layout.removeprefix("_")
    return f"a {kind} tensor of {leaf.dtype}".replace("a  ", "a ")


def _named(arguments: Arguments, key: int | str) -> list[str]:
    """The differentiable tensors of one argument, which is given by its position or its keyword."""
    known = range(arguments.count)
    if isinstance(key, int) and key not in known:
        raise ValueError(f"wrt: expected positions from 0 to {len(known) - 1}, found {key}")
    start = f"inputs[{key!r}]"
    found = [name for name in arguments.differentiable if name == key or name.startswith(start)]
    if not found:
        given = ", ".join(map(repr, [*known, *arguments.keywords]))
        raise ValueError(f"wrt: expected one of {given}, with floating-point numbers, found {key!r}")
    return found


def comes_from(outputs: Iterable[Tensor], sought: Collection[Any]) -> bool:
    """Whether autograd's graph leads there: what requires a gradient may be a module's parameters alone."""
    nodes = [output.grad_fn for output in outputs]
    seen: set[Any] = set()
    while nodes:
        node = nodes.pop()
        if node in sought and node is not None:
            return True
        if node is not None and node not in seen:
            seen.add(node)
            nodes += [other for other, _ in node.next_functions]
    return False
