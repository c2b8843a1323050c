"""A call of check_function as Python that can be pasted, in at most three lines of 80 columns."""

import textwrap
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from torch_reference.check.ways.shown.smallest_input import is_evened
from torch_reference.judging.calls.arguments import Arguments, Tensors
from torch_reference.judging.calls.nests import is_numeric_array
from torch_reference.judging.calls.really import is_a

WIDTH, LINES = 76, 3
GAP = "\0"
"""A space at which no line is broken."""


class Words(str):
    """Source that a nest holds in the place of what it makes."""

    __slots__ = ()

    def __repr__(self) -> str:
        """The source itself."""
        return str(self)


def pasted_call(head: str, arguments: Arguments, inputs: Tensors, tail: str) -> list[str]:
    """check_function(head, the arguments, tail): nothing where that is longer than three lines.

    >>> arguments = Arguments.of([torch.ones(2), 3.0], {"dim": -1})
    >>> ways = f"ways={unbroken(['zero rows'])}"
    >>> print(*pasted_call("mine, torch.add", arguments, arguments.point, ways), sep="\\n")
    check_function(mine, torch.add, torch.ones(2), 3.0, dim=-1,
        ways=['zero rows'])
    """
    asked = arguments.asked_for
    told = {
        name: Words(_tensor(value) + (".requires_grad_()" if name in asked else ""))
        for name, value in arguments.tensors(inputs).items()
    }
    pairs = zip(arguments.names, arguments.leaves, strict=True)
    told |= {name: Words(f"{told[name]}.numpy()") for name, leaf in pairs if is_numeric_array(leaf)}
    args, kwargs = arguments.placed(told)
    args, kwargs = tree_map(_word, (args, kwargs))
    words = [head, *map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items()), tail]
    whole = f"check_function({', '.join(filter(None, words))})"
    lines = textwrap.wrap(
        whole, WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
    lines = [line.replace(GAP, " ") for line in lines]
    return lines if len(lines) <= LINES and max(map(len, lines)) <= WIDTH else []


def unbroken(names: Sequence[str]) -> str:
    """A list of names in which no line is broken.

    >>> unbroken(["zero rows"]).replace(GAP, " ")
    "['zero rows']"
    """
    return repr(list(names)).replace(" ", GAP)


def _word(leaf: Any) -> Words:
    """A plain value as it is written; of anything else what stands for it: the one that was given."""
    if is_a(leaf, Words):
        return leaf
    if leaf is None or is_a(leaf, (bool, int, float, complex, str, torch.dtype)):
        return Words(repr(leaf).replace(" ", GAP) if is_a(leaf, str) else repr(leaf))
    return Words("...")


def _tensor(value: Tensor) -> str:
    """An expression that makes the tensor, bit for bit."""
    usual = value.dtype in (torch.int64, torch.bool) or value.dtype == torch.get_default_dtype()
    more = "" if usual else f", dtype={value.dtype}"
    more += "" if value.device.type == "cpu" else f", device='{value.device}'"
    shape = ", ".join(map(str, value.shape))
    if not value.numel():
        return f"torch.empty({tuple(value.shape)}{more})"
    if value.is_floating_point() and value.dim() and bool((value == 0).all() or (value == 1).all()):
        return f"torch.{'ones' if bool(value.flatten()[0]) else 'zeros'}({shape}{more})"
    if is_evened(value):
        made = f"torch.linspace(-1.5, 1.5, {value.numel()}{more})"
        return made if value.dim() == 1 else f"{made}.view({shape})"
    return f"torch.tensor({_numbers(value.tolist(), value.dtype)}{more})"


def _numbers(nest: Any, dtype: torch.dtype) -> str:
    if isinstance(nest, list):
        return f"[{', '.join(_numbers(each, dtype) for each in nest)}]"
    if not isinstance(nest, float):
        return repr(nest).replace("inf", "torch.inf").replace("nan", "torch.nan")
    if nest - nest != 0:
        return f"float('{nest}')"
    for digits in range(1, 17):
        short = float(f"{nest:.{digits}g}")
        if torch.tensor(short, dtype=dtype).item() == nest:
            return repr(short)
    return repr(nest)
