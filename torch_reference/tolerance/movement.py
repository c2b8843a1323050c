"""How far rounding alone can move a gradient: the tolerance where no bound is derived formula by formula.

The reference is evaluated in float64 on the given inputs (exact_run.py), and again and again in the inputs'
own dtypes with the result of every operation moved by roundings of the dtype in which it ran (moved_run.py).
To first order an element of the gradient then moves by

    Σₖ zₖ aₖ,    aₖ = |∂element/∂resultₖ| · SPREAD u · |resultₖ|    over all results k of all operations,

zₖ being standard normal, so that cancellation shows by itself. A rounding of a right derivation has a
standard deviation of 0.43 u, a third of that of a movement (SPREAD is 1.5). The bound is

    FACTOR · (the largest movement of DRAWS draws) + 2u |element|,

the last term for the last rounding of either witness; docs/tolerance.md derives the two constants and the
probability of a false alarm. Each gradient's sums (gradient_sums.py) are bounded by the same rule. There is
no absolute tolerance: an element that no rounding can move must be equal.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from torch_reference.tolerance.differences import coarsest, difference
from torch_reference.tolerance.gradient_sums import ExpectedSums
from torch_reference.tolerance.rounding.exact_run import ExactRun, widened_inputs
from torch_reference.tolerance.rounding.half_run import HalfRun
from torch_reference.tolerance.rounding.moved_run import MovedRun, Sizes
from torch_reference.tolerance.rounding.roundings import FINE, HALF, Roundings, smallest, unit

DRAWS = 48
FACTOR = 2.0
LAST = 4.0
"""So many times u, of each term: the independent last roundings of the terms of a sum, with 0.43 u each."""

Tensors = Mapping[str, Tensor]
Reference = Callable[[Tensors], Tensors]
"""Inputs by name -> gradients (and outputs, if they are compared too) by name, in the inputs' dtype."""


class Movement:
    """The reference at one point, and how far each number of it has moved in the draws made so far.

    Attributes: expected, the exact values; decisions, what was decided on the way; moved and moved_sums, the
                largest movements; draws, how many were made; is_exact, whether no operation rounded in them;
                scatters, whether one summed over indices; squares, the sums of squared movements of the names
                that it holds; known, the sums of the exact values; ends_rounded, whether the last operation
                is known to round each number of a name; upstream, inputs in which it is linear; looked_for,
                the kinds of roundings of which some draws were made besides
    """

    def __init__(
        self, reference: Reference, inputs: Tensors, held: tuple[Any, ...] | None = None, worst: bool = False
    ) -> None:
        """Run the reference exactly, with the decisions `held`; `worst` accumulates in the own dtype."""
        self.reference, self.inputs, self.worst = reference, inputs, worst
        self.exact_inputs = widened_inputs(dict(inputs))
        self.coarsest = coarsest(inputs)
        run = ExactRun(held)
        with run:
            self.expected = dict(reference(self.exact_inputs))
        self.decisions = tuple(run.decisions.made) if held is None else held
        self.dtypes = dict.fromkeys(self.expected, self.coarsest)
        none = partial(torch.zeros, (), dtype=torch.float64)
        self.moved = {
            name: none(device=each.device).expand(each.shape) for name, each in self.expected.items()
        }
        self.moved_sums: dict[str, dict[str, Tensor]] = {name: {} for name in self.expected}
        self.draws, self.coarse_draws, self.is_paired, self.is_exact, self.scatters = 0, 0, False, True, False
        self.sizes, self.coarse_sizes = Sizes(), Sizes()
        self.squares, self.ends_rounded = dict[str, Tensor](), dict[str, bool]()
        self.kind: Callable[[int], Roundings] = Roundings
        self.coarse: tuple[dict[str, Tensor], dict[str, dict[str, Tensor]]] = {}, {}
        self.upstream, self.terms = tuple[str, ...](), dict[tuple[type[Roundings], bool], Tensors]()
        self.in_float64, self.looked_for = worst, set[type[Roundings]]()
        self.known = {name: ExpectedSums(value) for name, value in self.expected.items()}

    def at_least(self, draws: int) -> None:
        """Make draws until so many are made, at most DRAWS."""
        while self.draws < min(draws, DRAWS):
            self.draw(self.draws)
            self.draws += 1

    def at_least_a_pair(self, draws: int) -> None:
        """The same, two or more, of which the first two are a pair, or what was made before."""
        if not self.draws:
            try:
                self._pair()
            except Exception:  # what is fused may not take what others make
                self.in_float64, self.sizes = self.worst, []
        self.at_least(draws)

    def last_rounding(self, name: str) -> Tensor:
        """What the last rounding of either witness explains; an exact zero is not rounded."""
        expected, dtype = self.expected[name], self.dtypes[name]
        last = expected.abs().mul_(2 * unit(dtype))
        has_zeros = bool(last.numel()) and float(last.amin()) == 0
        last.add_(smallest(dtype))
        return last.masked_fill_(expected == 0, 0.0) if has_zeros else last

    def bound(self, name: str) -> Tensor:
        """How far from the exact value each element may be."""
        return self.last_rounding(name).add_(self.moved[name], alpha=FACTOR)

    def sum_bounds(self, name: str) -> dict[str, Tensor]:
        """How far from the exact value each sum may be; a constant of the formula rounds in all elements.

        So does an upstream gradient that a mean divides by its number: once, in its own dtype, by itself.
        """
        dtype, known, found = self.dtypes[name], self.known[name], {}
        constants, once = 4 * min(unit(dtype), unit(FINE)), known.rounded_once(dtype)
        for which, moved in self.moved_sums[name].items():
            size = known.totals[which]
            ends = LAST * unit(dtype) * known.roots.get(which, torch.zeros_like(moved))
            bound = torch.maximum(FACTOR * moved, ends).add_(size, alpha=constants)
            bound = torch.hypot(bound, unit(dtype) * size)  # whose squares do not underflow
            bound = bound.add_(once.get(which, 0.0))
            found[which] = bound.add_(smallest(dtype) * known.expected.numel()) if moved.any() else bound
        return found

    def draw(self, seed: int) -> None:
        """Run the reference once more, moved, and keep the largest movements."""
        found, run = self._run(seed)
        apart = self._apart(found, run)
        if apart is None:
            found, run = self._run(seed)
            apart = self._apart(found, run) or {}
        for name, (moved, totals) in apart.items():
            for which, total in totals.items():
                known = self.moved_sums[name].get(which)
                total = total.abs()
                self.moved_sums[name][which] = total if known is None else torch.maximum(known, total)
            if name in self.squares:
                self.squares[name] += moved.abs().square()
            still = run.unmoved.get(found[name])
            moved = moved if still is None else difference(still, self.expected[name])
            moved = moved.abs() if moved.is_complex() else moved.abs_()
            self.moved[name] = torch.maximum(self.moved[name], moved, out=moved) if self.draws else moved

    def _pair(self) -> None:
        """Make the first two draws as the sum and the difference of two halves (half_run.py)."""
        was = self.in_float64
        halves = [self._run(half, half) for half in (0, 1)]
        one, other = (self._apart(*half) for half in halves)
        if one is None or other is None or self.in_float64 != was:
            self._pair()
            return
        for name, (moved, totals) in one.items():
            others, other_totals = other[name]
            self.moved_sums[name] = {
                which: total.abs() + other_totals[which].abs() for which, total in totals.items()
            }
            if name in self.squares:  # (a + b)² + (a − b)²
                self.squares[name] += 2 * (moved.square() + others.square())
            self.moved[name] = moved.abs_().add_(others.abs_())
            self.ends_rounded[name] = any(run.ends_in(found[name]) for found, run in halves)
        self.draws, self.is_paired = 2, True

    def _apart(self, found: Tensors, run: MovedRun) -> dict[str, tuple[Tensor, Tensors]] | None:
        """How far each is from what is expected, with the sums of that; None where it is to be run wider.

        The reference may leave the range of its dtype, where a right derivation need not.
        """
        self.is_exact = self.is_exact and not run.roundings.is_used
        self.scatters = self.scatters or run.scatters
        apart = {name: self.known[name].apart(value) for name, value in found.items()}
        for name, (*_, are_numbers) in apart.items():
            odd = None if are_numbers or self.in_float64 else ~found[name].isfinite()
            if odd is not None and bool((odd & self.expected[name].isfinite()).any()):
                self.in_float64, self.sizes = True, []
                return None
        return {name: (off, totals) for name, (off, totals, _) in apart.items()}

    def _run(self, seed: int, half: int | None = None) -> tuple[Tensors, Any]:
        kind: Any = MovedRun if half is None else partial(HalfRun, half)
        if not self.in_float64:
            run = kind(seed, self.decisions, self.sizes if half is None else [])
            run.roundings, run.handed = self.kind(seed), self.coarsest if self.coarsest in HALF else None
            try:
                with run:
                    found = self.reference(self.inputs)
            except Exception:  # an operation that its dtype does not have; whatever else, it raises again
                self.in_float64, self.sizes = True, []
            else:
                self.dtypes = {name: value.dtype for name, value in found.items()}
                return found, run
        sizes = self.sizes if half is None else []
        run = kind(seed, self.decisions, sizes, self.coarsest, fine_sums=not self.worst)
        run.roundings = self.kind(seed)
        with run:
            return self.reference(self.exact_inputs), run


def expected_and_bounds(reference: Reference, inputs: Tensors) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The exact values, and how far from them a right one may be, per element, after all draws."""
    movement = Movement(reference, inputs)
    movement.at_least(DRAWS)
    return movement.expected, {name: movement.bound(name) for name in movement.expected}
