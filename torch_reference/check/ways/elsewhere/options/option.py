"""What an option is: a leaf of the arguments that is no tensor, or one that is left at its default."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from torch.utils._pytree import TreeSpec

from torch_reference.check.ways.elsewhere.options.unsaid import unsaid_options
from torch_reference.check.ways.elsewhere.options.values_in_place import other_values
from torch_reference.check.ways.session import Session
from torch_reference.judging.calls.arguments import Arguments
from torch_reference.judging.calls.holders import Opened

UNREAD = (bool, str)
"""Another of these does no harm where the reference does not read it."""


class Option(NamedTuple):
    """An option by the name of its leaf, what it is, its keyword where the call does not give it."""

    name: str
    given: Any
    keyword: str | None = None
    is_shared: bool = True  # with the reference

    def placed(self, arguments: Arguments, other: Any) -> Arguments:
        """The arguments with another in its place."""
        if self.keyword is None:
            return arguments.with_another(self.name, other)
        return arguments.with_keyword(self.keyword, other)


def options_of(session: Session) -> Iterator[Option]:
    """Those among the leaves of the arguments, then those that are left at their defaults."""
    arguments = session.arguments
    own = _outside_of_objects(arguments.nest)
    for name, leaf, is_own in zip(arguments.names, arguments.leaves, own, strict=True):
        if is_own and _has_others(leaf):
            yield Option(name, leaf)
    for is_shared in (True, False):
        for keyword, default in unsaid_options(session, is_shared).items():
            if _has_others(default) and (is_shared or type(default) in UNREAD):
                yield Option(f"inputs[{keyword!r}]", default, keyword, is_shared)


def _has_others(leaf: Any) -> bool:
    return leaf is None or bool(other_values(leaf))


def _outside_of_objects(nest: TreeSpec) -> list[bool]:
    """For each leaf whether it is no attribute of an object, which may be its own state."""
    if nest.is_leaf():
        return [True]
    if nest.type is Opened:
        return [False] * nest.num_leaves
    return [is_own for child in nest.children() for is_own in _outside_of_objects(child)]
