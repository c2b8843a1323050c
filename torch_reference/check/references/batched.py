"""A function at many points at once, by torch's vmap, where it can be run so: much faster than one by one."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext

import torch
from torch import Tensor

from torch_reference.check.references.coarse import Run, apart, pairs_of
from torch_reference.judging.calls.quiet import unwarned
from torch_reference.tolerance.rounding.exact_run import ExactRun

NUMBERS = 2**20
"""So many numbers of inputs are made at once."""
SAME = 1e-11
"""Parts of the largest value by which another order of sums may change a result in float64."""


class AtOnce:
    """All outputs in a row for each of many points; once it has failed it is tried no more."""

    def __init__(
        self, run: Run, given: Sequence[Tensor], place: int, plainly: bool, one: Callable[[Tensor], Tensor]
    ) -> None:
        """The inputs, of which that at one place is another at each point; one is the same, one by one."""
        self.run, self.given, self.place, self.plainly, self.one = run, given, place, plainly, one
        self.works = not any(value.is_complex() for value in given)

    def __call__(self, points: Tensor) -> Tensor | None:
        """Its rows; None where it cannot be run so, or makes other numbers than one by one.

        Shapes: points (n, *shape of that input), result (n, outputs)
        """
        if not self.works or len(points) < 4:
            return None
        try:
            rows = self._rows(points)
            right = torch.stack([self.one(points[0]), self.one(points[-1])])
            off = apart(rows[[0, -1]], right).abs()
            size = right.abs().nan_to_num(posinf=0.0).max() if right.numel() else right.sum()
            self.works = bool((off <= SAME * size).all())
        except Exception:  # the function is the user's: it may read numbers, or be a kernel
            self.works = False
        return rows if self.works else None

    def _rows(self, points: Tensor) -> Tensor:
        several = [value.clone() for value in self.given]

        def made(moved: Tensor) -> Tensor:
            given = [*several]
            given[self.place] = moved
            return torch.cat([pairs_of(each).reshape(-1).double() for each in self.run(given)])

        chunk = max(1, NUMBERS // max(points[0].numel(), 1))
        with torch.no_grad(), unwarned(), nullcontext() if self.plainly else ExactRun():
            found: Tensor = torch.func.vmap(made, chunk_size=chunk)(points)
        return found
