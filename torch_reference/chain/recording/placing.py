"""How the inputs of a function are named and passed on, and what is returned for each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch_reference.judging.calls.nests import as_array


@dataclass(frozen=True)
class Placing:
    """The names of inputs, how they are passed on, and what is returned for each."""

    names: tuple[str, ...]
    placed: Callable[[Sequence[Any]], tuple[Sequence[Any], Mapping[str, Any]]]
    by_name: Callable[[Sequence[Any]], Mapping[str, Any]]
    arrays: frozenset[str] = frozenset()
    """The inputs that the user's function gets as numpy's arrays."""

    def as_given(self, values: Sequence[Any]) -> list[Any]:
        """The tensors in the kind in which the user gave them."""
        pairs = zip(self.names, values, strict=True)
        return [as_array(value) if name in self.arrays else value for name, value in pairs]

    @classmethod
    def plain(cls, count: int) -> "Placing":
        """inputs[0], inputs[1], … one after the other."""
        names = tuple(f"inputs[{index}]" for index in range(count))
        return cls(names, lambda values: (values, {}), lambda found: dict(zip(names, found, strict=False)))
