"""The code that is judged, run with the result of each of its operations moved; and whether all were seen.

A kernel that is launched past torch (Triton's, numba's, one that numpy runs in a tensor's memory) writes into
memory that no operation of torch has written; what an operation of another library makes is not seen either.
"""

from collections.abc import Iterable
from typing import Any

from torch import Tensor
from torch.utils._pytree import tree_iter

from torch_reference.tolerance.rounding.equal_values import RoundingsOfValues
from torch_reference.tolerance.rounding.exact_run import FRESH, ExactRun
from torch_reference.tolerance.rounding.local_sums import as_list
from torch_reference.tolerance.rounding.moved_run import MovedRun
from torch_reference.tolerance.rounding.operations import operation
from torch_reference.tolerance.rounding.roundings import HALF, SPREAD

BLANK = ("empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided")


class OwnRun(MovedRun):  # type: ignore[no-untyped-call] # torch leaves it untyped
    """Move every result by a rounding, no coarser than those of the inputs: float32 inside is no excuse.

    Attributes: sees_all, whether every number that was read was written by an operation of torch
    """

    def __init__(
        self, seed: int, finest: float, spread: float = SPREAD, held: tuple[Any, ...] | None = None
    ) -> None:
        """finest is the inputs' u; held, the decisions to keep to."""
        super().__init__(seed, held, spread=spread)
        self.finest = finest
        self.sees_all = True
        self.blank: dict[int, Tensor] = {}

    def _unit(self, dtype: Any) -> float:
        return min(super()._unit(dtype), self.finest)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation of torch as the other runs do, and look whose memory it reads."""
        kind, named = operation(func), kwargs or {}
        if not kind.view:
            self._look(func, args, named)
        results = super().__torch_dispatch__(func, types, args, kwargs)
        is_unseen = kind.name in BLANK or (kind.name in FRESH and _is_tensor(results) and results.numel() > 1)
        if is_unseen and isinstance(results, Tensor) and _memory(results):
            self.blank[_memory(results)] = results  # kept, so that no other is there
        return results

    def _look(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        given = [*zip(func._schema.arguments, args, strict=False)]
        given += [(each, kwargs[each.name]) for each in func._schema.arguments if each.name in kwargs]
        written = [value for each, value in given if each.is_write]
        read = [value for each, value in given if not each.is_write]
        if func.namespace not in ("aten", "prims", "prim"):
            self.sees_all = False
        if func.overloadpacket.__name__ not in BLANK:  # of these the shape alone is read
            self.look_at(tree_iter(read))
        for value in tree_iter(written):
            self.blank.pop(_memory(value), None)

    def look_at(self, values: Iterable[Any]) -> None:
        """Note whether one of these numbers was written unseen."""
        self.sees_all &= not any(_memory(value) in self.blank for value in values)


def own_run(draw: int, finest: float, held: tuple[Any, ...] | None = None) -> OwnRun:
    """One draw of roundings no coarser than that u: whom it chooses among equals is no rounding."""
    run = OwnRun(draw, finest, held=held)
    if draw % 2:  # of what cancels many results may be equal, as 1 + x² is where x is small
        run.roundings = RoundingsOfValues(draw)
    return run


class ExactOwnRun(ExactRun):  # type: ignore[no-untyped-call] # torch leaves it untyped
    """Run it in float64, its inputs being so, and see what is in 16 bits all the same.

    Attributes: reads_narrow, whether numbers of its own are, as those of a table; writes_narrow, whether what
                it computes is rounded to them
    """

    reads_narrow = writes_narrow = False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation of torch as the exact run does, and look at what it takes and makes."""
        kind = operation(func)
        results = super().__torch_dispatch__(func, types, args, kwargs)
        if not kind.view:
            narrow = [_is_in_16_bits(arg) for arg in tree_iter(args)]
            self.reads_narrow |= any(narrow)
            made = (
                args[:1]
                if kind.in_place
                else as_list(results)
                if any(map(_is_tensor, tree_iter(args)))
                else ()
            )
            self.writes_narrow |= any(map(_is_in_16_bits, made))
        return results


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def _is_in_16_bits(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dtype in HALF


def _memory(value: Any) -> int:
    """Where a tensor's memory begins; 0 for what has none of its own."""
    try:
        return value.untyped_storage().data_ptr() if isinstance(value, Tensor) else 0
    except (RuntimeError, NotImplementedError):  # sparse, or of a transform
        return 0
