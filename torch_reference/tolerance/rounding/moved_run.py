"""Monte Carlo arithmetic: run any torch code with the result of every operation moved by a rounding or so.

Each is moved by a rounding of the dtype in which that operation ran: a sum in float32 inside a kernel for 16
bits by one of float32, the conversion at its end by one of 16 bits. A sum is moved besides by what its own
terms explain, in float32 at least (local_sums.py), and a constant of the formula moves all elements together.
"""

from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from torch_reference.tolerance.rounding import exact_results
from torch_reference.tolerance.rounding.decisions import Decisions, is_decision
from torch_reference.tolerance.rounding.exact_run import in_one_dtype, of_one_dtype
from torch_reference.tolerance.rounding.fused import decides, has_elements
from torch_reference.tolerance.rounding.local_sums import (
    CONVOLUTIONS,
    SCATTERING,
    as_list,
    coarser_sizes,
    is_sum,
    sizes_of_roundings,
)
from torch_reference.tolerance.rounding.moved_arguments import (
    ReadBack,
    handed_to_matrix_units,
    moved_arguments,
)
from torch_reference.tolerance.rounding.operations import NEVER_ZERO, Operation, factors_of, operation
from torch_reference.tolerance.rounding.roundings import FINE, HALF, SPREAD, Roundings, unit
from torch_reference.tolerance.rounding.uncompiled import Uncompiled, with_conjugates

Sizes = list[list[Tensor | None]]


class MovedRun(Uncompiled):  # type: ignore[no-untyped-call] # torch leaves it untyped
    """Move the result of every operation.

    Attributes: sizes, those of the roundings of each sum: reckoned in the first run, handed to the others;
                unmoved, what a 16-bit result was before it was moved; handed, the 16 bits of factors
    """

    def __init__(
        self,
        seed: int,
        held: tuple[Any, ...] | None = None,
        sizes: Sizes | None = None,
        coarsest: torch.dtype | None = None,
        fine_sums: bool = True,
        spread: float = SPREAD,
        backward_only: bool = False,
    ) -> None:
        """Keep to the decisions `held`; round everything as `coarsest` does, sums in float32 if fine_sums."""
        super().__init__()
        self.roundings = Roundings(seed, spread)
        self.backward_only = backward_only
        self.decisions = Decisions(held)
        self.sizes: Sizes = [] if sizes is None else sizes
        self.sums = self.inside = 0
        self.coarsest, self.fine_sums, self.scatters = coarsest, fine_sums, False
        self.unmoved = WeakTensorKeyDictionary()
        self.handed: torch.dtype | None = None
        self.read_back = ReadBack()

    @with_conjugates
    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation of torch, taken apart where it is fused, and move its results."""
        kind, kwargs = operation(func), kwargs or {}
        if kind.view:
            return func(*args, **kwargs)
        args = self.read_back.read(kind, of_one_dtype(kind.name, args))
        if self.backward_only and torch._C._current_graph_task_id() == -1 and not kind.apart:
            return self._decided(kind, args, func(*args, **kwargs))
        if kind.apart and has_elements(args):
            results = self._apart(kind, args, kwargs)
            if results is not NotImplemented:
                return results
        if is_sum(kind.name, args, kwargs) and any(map(exact_results.is_number, args)):
            return self._summed(func, kind, args, kwargs)
        results = in_one_dtype(func, moved_arguments(kind, args, self.roundings, self._unit), kwargs)
        if kind.in_place:
            if not kind.exact and not exact_results.selects(kind.name, args):
                self._move(kind, args, args[0])
            return results
        if isinstance(results, tuple | list):
            return type(results)([self._result(kind, args, result) for result in results])
        return self._result(kind, args, results)

    def _apart(self, kind: Operation, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        hidden = not decides(kind.name)
        self.inside += hidden
        try:
            with self:
                results = kind.apart(*args, **kwargs)  # type: ignore[misc]
        finally:
            self.inside -= hidden
        if (size := exact_results.left_out(kind.name, args)) is not None:
            self.roundings.leave_out(results, size)
        # What it makes is all that the exact run sees of it.
        return self._decided(kind, args, results) if hidden else results

    def _decided(self, kind: Operation, args: tuple[Any, ...], results: Any) -> Any:
        is_known = kind.in_place or self.inside or results is NotImplemented
        return results if is_known else self.decisions.settled(kind.name, args, results)

    def _result(self, kind: Operation, args: tuple[Any, ...], result: Any) -> Any:
        if is_decision(kind.name, result):
            return self._decided(kind, args, result)
        if kind.exact or exact_results.rounds_nothing(kind.name, args, result):
            return result
        if exact_results.shares_memory(args, result):
            result = result.clone()
        large = exact_results.large_numbers(kind.name, args, result, self._unit(result.dtype))
        self._move(kind, args, result)
        if large:
            exact_results.move_no_further(result, *large)
        self.read_back.note(kind, args, result)
        return result

    def _move(self, kind: Operation, args: tuple[Any, ...], result: Tensor) -> None:
        if not (result.is_floating_point() or result.is_complex()) or result._is_zerotensor():
            return  # autograd's zeros, as of a function without a second derivative, have no memory
        fine = min(self._unit(result.dtype), self._unit(FINE))
        if not kind.apart and (size := exact_results.left_out(kind.name, args)) is not None:
            self.roundings.leave_out(result, size)
        if kind.name in NEVER_ZERO:
            exact_results.raise_underflows(args[0], result, self.coarsest or result.dtype)
        if (count := factors_of(kind.name, args, result)) > 1:
            self.roundings.move_product(result, count, fine, args[1] if kind.name == "cumprod" else None)
        self._round(result)
        if any([isinstance(arg, float) and arg and not exact_results.is_power_of_two(arg) for arg in args]):  # noqa: C419 (faster)
            self.roundings.move_together(result, fine)

    def _unit(self, dtype: torch.dtype) -> float:
        return max(unit(dtype), unit(self.coarsest)) if self.coarsest else unit(dtype)

    def _summed(self, func: Any, kind: Operation, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A sum in float32 at least, rounded to its own dtype at its end."""
        halves = [arg.dtype for arg in args if isinstance(arg, Tensor) and arg.dtype in HALF]
        narrow, own = bool(halves), self.coarsest or next(iter(halves), FINE)
        self.scatters = self.scatters or kind.name in SCATTERING
        wide = tuple(arg.float() if getattr(arg, "dtype", None) in HALF else arg for arg in args)
        wide = handed_to_matrix_units(kind, wide, self.roundings, self.handed)
        written = (wide[0].clone(), *wide[1:]) if kind.in_place else wide
        results = as_list(func(*written, **kwargs))
        sizes = self._sizes(func, kind, wide, kwargs, results, unit(own) / unit(FINE))
        if narrow and kind.name in CONVOLUTIONS:
            sizes = coarser_sizes(sizes, as_list(func(*args, **kwargs)), results, self._unit(FINE))
        moved = [
            self._sum_result(kind, result, size, narrow and kwargs.get("dtype") is None, own)
            for result, size in zip(results, sizes, strict=True)
        ]
        if kind.in_place:
            return args[0].copy_(moved[0])
        return tuple(moved) if len(moved) > 1 else moved[0]

    def _sum_result(
        self, kind: Operation, result: Any, size: Tensor | None, narrow: bool, own: torch.dtype
    ) -> Any:
        if size is None:
            return result
        rounding = self._unit(FINE if narrow else result.dtype)
        rounding = min(rounding, unit(FINE)) if self.fine_sums else rounding
        self.roundings.add(result, size, rounding)
        if kind.name == "mean":
            self.roundings.move_together(result, rounding)
        if narrow:
            result = result.to(own)
        self._round(result)
        return result

    def _round(self, result: Tensor) -> None:
        """Round a result once, and remember what a 16-bit one was: nothing rounds the last one but itself."""
        if result.dtype in HALF:
            self.unmoved[result] = result.clone()
        self.roundings.move(result, self._unit(result.dtype))

    def _sizes(
        self, func: Any, kind: Operation, args: Any, kwargs: dict[str, Any], results: list[Any], few: float
    ) -> list[Tensor | None]:
        """Reckoned once: to first order they are the same in every draw."""
        number = self.sums
        self.sums += 1
        if number < len(self.sizes):
            known = self.sizes[number]
            shapes = ([getattr(each, "shape", None) for each in every] for every in (known, results))
            if next(shapes) == next(shapes):
                return known
        sizes = sizes_of_roundings(func, kind.name, args, kwargs, results, few if self.fine_sums else 1.0)
        self.sizes[number:] = [sizes]
        return sizes
