"""One link of a chain: a named tensor of the forward pass, and the gradient that somebody derived for it."""

import linecache
from collections.abc import Collection
from dataclasses import dataclass, replace
from types import CodeType
from typing import Any

import torch
from torch import Tensor

from torch_reference.chain.graph import Edge


@dataclass(frozen=True)
class Place:
    """Where a gradient was computed: a line of the user's own code."""

    file: str
    line: int
    source: str = ""
    function: str = ""
    code: CodeType | None = None

    def __str__(self) -> str:
        """As editors and debuggers write it."""
        return f"{self.file}:{self.line}"


def place_of(code: CodeType, line: int) -> Place:
    """A line of the user's, with its text."""
    file = code.co_filename
    return Place(file, line, linecache.getline(file, line).strip(), code.co_qualname, code)


@dataclass(frozen=True)
class Quantity:
    """The name of a tensor and of its gradient by hand, the tensor's edge, its value, and that gradient.

    label tells it from others of its name: rounds of a loop, uses of one module; sure is whether no other
    round may be meant; returned is the input whose gradient it is returned as, if it is; parts are those of
    which it is the sum; handed_on are later lines where it only got another name; others are the versions
    that may be meant as well; callers are the lines that handed on what a helper made.
    """

    name: str
    manual_name: str
    edge: Edge
    value: Tensor
    manual: Tensor
    place: Place | None = None
    label: str = ""
    sure: bool = True
    returned: str = ""
    parts: tuple["Quantity", ...] = ()
    handed_on: tuple[Place, ...] = ()
    others: tuple[Edge, ...] = ()
    partial: bool = False
    callers: tuple[Place, ...] = ()
    scale: float = 1.0
    """By what the user's own number is larger than manual."""

    def as_returned(self, name: str) -> "Quantity":
        """The same, which is returned as the gradient of an input."""
        return replace(self, returned=name)

    @property
    def is_increment(self) -> bool:
        """Whether it is what one line adds to a gradient: then no other line has made it."""
        return self.place is not None and self.label == f" of line {self.place.line}"

    @property
    def shown(self) -> str:
        """The name by which reports call it."""
        return f"{self.name}{self.label}"


def as_gradient(manual: Any, value: Tensor) -> Tensor | None:
    """A gradient as a tensor: arrays and numbers in the dtype of what they belong to; None if it is none."""
    if isinstance(manual, Tensor):
        return manual.detach().clone()
    try:
        return torch.as_tensor(manual, dtype=value.dtype, device=value.device).clone()
    except (TypeError, ValueError, RuntimeError):
        return None


def is_squeezed(manual: Tensor, value: Tensor) -> bool:
    """Whether their shapes differ by dimensions of 1 only."""
    return [size for size in manual.shape if size != 1] == [size for size in value.shape if size != 1]


def unfit(link: Quantity, wrong: Collection[Edge]) -> str:
    """Why no other link can be judged by what it makes of this gradient; empty if it can."""
    try:
        link.manual.expand(link.value.shape)
    except RuntimeError:
        return "has another shape"
    if not link.manual.isfinite().all():
        return "is not finite"
    # Of zeros every link makes zeros, the wrong ones too.
    return "is zero" if link.edge in wrong and not link.manual.any() else ""
