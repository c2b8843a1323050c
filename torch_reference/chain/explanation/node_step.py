"""One argument of one node of the graph, as the rules read it."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor

SAVED = (
    ("_saved_self", "_saved_other"),
    ("_saved_self", "_saved_mat2"),
    ("_saved_mat1", "_saved_mat2"),
    ("_saved_self", "_saved_target"),
)
"""What nodes call their first and their second factor."""


class Step(NamedTuple):
    """One argument of one node: the gradient that comes from above, and the node itself.

    value gives the expression of an input, by its place, and made that of the result: they are looked up only
    where a rule reads them, for not every value has a name.
    """

    upstream: Any
    value: Callable[[int], Any]
    made: Callable[[], Any]
    argument: int
    node: Any

    @property
    def x(self) -> Any:
        """The argument itself."""
        return self.value(self.argument)

    @property
    def other(self) -> Any:
        """The other one of two."""
        return self.value(1 - self.argument)

    @property
    def result(self) -> Any:
        """What the node made."""
        return self.made()


def numel(sizes: Any) -> int:
    """How many numbers there are in a shape."""
    found = 1
    for size in sizes:
        found *= int(size)
    return found


def shape_of(node: Any) -> tuple[int, ...]:
    """The shape of what a node made."""
    return tuple(node._input_metadata[0].shape)


def saved_input(node: Any, place: int, count: int) -> Tensor | None:
    """The value of one of a node's so many inputs, if it was saved."""
    for names in SAVED:
        value = getattr(node, names[place % 2] if count < 3 else names[(place - 1) % 2], None)
        if isinstance(value, Tensor):
            return value
    return None


def operation_of(node: Any) -> str:
    """Tanh of TanhBackward0."""
    return re.sub(r"Backward\d*$", "", type(node).__name__ if not hasattr(node, "name") else node.name())


def is_plain(node: Any) -> bool:
    """Whether it is a + b and not a + 2 b, a quotient that is not rounded, a SoftPlus of x and not of 2 x."""
    rounded = getattr(node, "_saved_rounding_mode", None)
    return rounded is None and all(getattr(node, name, 1) == 1 for name in ("_saved_alpha", "_saved_beta"))
