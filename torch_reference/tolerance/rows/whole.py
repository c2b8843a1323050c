"""A point with rows: what has them, what the reference makes of it exactly, and what is allowed."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from torch_reference.tolerance.movement import Reference, Tensors
from torch_reference.tolerance.own_code.own_rows import OwnRows
from torch_reference.tolerance.rows.placing import some


@dataclass(frozen=True)
class Allowed:
    """What a judgement is asked for, as Tolerance.rows takes it; and upstream, as Movement knows it."""

    fewest: int = 4
    rtol: float = 0.0
    accept: Collection[str] = ()
    upstream: tuple[str, ...] = ()


class Rows(NamedTuple):
    """What has rows: which tensors of the point, which results, and how many rows there are.

    With a shape each number is a row, and all these tensors are of that shape.
    """

    inputs: Collection[str]
    results: Collection[str]
    number: int
    shape: tuple[int, ...] = ()


class Whole(NamedTuple):
    """A point, its rows, the exact results there, of which outputs are no gradients, and the code judged."""

    reference: Reference
    point: Tensors
    rows: Rows
    results: Tensors
    allowed: Allowed
    outputs: Collection[str]
    own: OwnRows | None = None

    @property
    def shared(self) -> list[str]:
        """The results that belong to no row."""
        return [name for name in self.results if name not in self.rows.results]

    def some(self, here: Tensor) -> dict[str, Tensor]:
        """The point of some rows alone.

        Shapes: here, their numbers in order
        """
        return {
            name: some(value, here) if name in self.rows.inputs else value
            for name, value in self.point.items()
        }
