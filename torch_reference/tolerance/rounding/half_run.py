"""A run in which every second operation is moved: two of them, one for each half, make two draws.

To first order the movement of both halves together is the sum a + b of their own. Roundings have no preferred
sign, so that a + b and a − b are two draws, and the larger of them is |a| + |b|. What is fused is taken apart
in one of the two runs alone, and runs as it is in the other: together they cost little more than one draw.
"""

from typing import Any

from torch import Tensor

from torch_reference.tolerance.rounding.decisions import is_decision
from torch_reference.tolerance.rounding.exact_run import of_one_dtype
from torch_reference.tolerance.rounding.fused import decides
from torch_reference.tolerance.rounding.local_sums import SCATTERING, as_list
from torch_reference.tolerance.rounding.moved_run import MovedRun
from torch_reference.tolerance.rounding.operations import Operation, operation


class HalfRun(MovedRun):  # type: ignore[no-untyped-call] # torch leaves it untyped
    """Move the results of every second operation, and of every second one of those that are fused.

    Attributes: half, 0 or 1; ends, where the memory of what was rounded last of all begins
    """

    def __init__(self, half: int, *args: Any, **kwargs: Any) -> None:
        """The other arguments are those of MovedRun."""
        super().__init__(*args, **kwargs)
        self.half = half
        self.turns = {True: 0, False: 0}
        self.depth = 0
        self.ends: set[int] = set()
        self.rounded: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation of torch, and move its results if it is its turn."""
        kind = operation(func)
        if kind.view:
            return func(*args, **(kwargs or {}))
        self.rounded.clear()
        if self.depth > 0 or kind.exact or self._takes_its_turn(kind):
            results = super().__torch_dispatch__(func, types, args, kwargs)
        else:
            results = self._as_it_is(func, kind, args, kwargs or {})
        if not kind.apart:
            for result in as_list(results):
                if isinstance(result, Tensor):
                    where = result.data_ptr()
                    (self.ends.add if where in self.rounded else self.ends.discard)(where)
        return results

    def _round(self, result: Tensor) -> None:
        super()._round(result)
        self.rounded.add(result.data_ptr())

    def _takes_its_turn(self, kind: Operation) -> bool:
        if kind.apart and decides(kind.name):
            return True  # what it is taken apart to takes turns itself
        number = self.turns[bool(kind.apart)]
        self.turns[bool(kind.apart)] += 1
        return number % 2 == self.half

    def _apart(self, kind: Operation, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        hidden = not decides(kind.name)
        self.depth += hidden
        try:
            return super()._apart(kind, args, kwargs)
        finally:
            self.depth -= hidden

    def _as_it_is(self, func: Any, kind: Operation, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.scatters = self.scatters or kind.name in SCATTERING
        results = func(*of_one_dtype(kind.name, args), **kwargs)
        for result in as_list(results):
            if isinstance(result, Tensor):
                self.ends.discard(result.data_ptr())
        if kind.in_place or not any(is_decision(kind.name, result) for result in as_list(results)):
            return results
        if isinstance(results, tuple | list):
            return type(results)(self._settled(kind.name, args, result) for result in results)
        return self._settled(kind.name, args, results)

    def _settled(self, name: str, args: tuple[Any, ...], result: Any) -> Any:
        return self.decisions.settle(result, args) if is_decision(name, result) else result

    def ends_in(self, result: Tensor) -> bool:
        """Whether the last that was done to these numbers was to round each of them."""
        return result.is_contiguous() and result.data_ptr() in self.ends
