"""A pass over one process's share of the data, and the sums over all processes."""

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

import torch_reference
from manual_backprop.training import distributed
from ranks.joining import Ranks
from scaling.data_part import Part
from support.installed_packages import require

AT_ONCE = 2**14
"""Observations of one call of a derivation: the intermediates then fit the cache."""


def _sum(values: Sequence[float]) -> float:
    """The sum, rounded once; what fsum refuses, an overflow, is an infinity or NaN."""
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):
        return sum(values)


@dataclass(frozen=True)
class Pass:
    """One process's share of the data; each iteration reads it once."""

    parts: Sequence[Part]
    ranks: Ranks
    device: torch.device

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs and observed, block by block."""
        with self._bar() as advance:
            for part in self.parts:
                for inputs, observed in part:
                    yield inputs.to(self.device), observed.to(self.device)
                advance(part.size)

    def sums(
        self, names: Sequence[str], of_block: Callable[[Tensor, Tensor], Sequence[float]]
    ) -> dict[str, float]:
        """The sums of the named numbers over all blocks of all processes."""
        rows = [
            of_block(*block)
            for inputs, observed in self
            for block in zip(inputs.split(AT_ONCE), observed.split(AT_ONCE), strict=True)
        ]
        # fsum rounds once, however many blocks there are; a process without data has zeros to add.
        totals = [_sum([row[column] for row in rows]) for column in range(len(names))]
        if self.ranks.size > 1:
            mine = torch.tensor(totals, dtype=torch.float64, device=self.device)
            totals = distributed.summed([("totals", mine)])["totals"].tolist()
        return dict(zip(names, totals, strict=True))

    def autograd(
        self, parameters: Mapping[str, Tensor], wrt: Sequence[str]
    ) -> tuple[dict[str, float], dict[str, float]]:
        """The SSR and autograd's gradient, and how far a manual one that is summed in blocks may be from it.

        Formula: the sum of the blocks' bounds, and both sides' roundings of the sum itself, one in each
                 process and one for each process added
        """
        names = ("ssr", *wrt)

        def of_block(inputs: Tensor, observed: Tensor) -> list[float]:
            found = torch_reference.gradients(parameters, inputs, observed, wrt)
            found["ssr"] = torch_reference.forward(parameters, inputs, observed)["residual"].square().sum()
            bounds = torch_reference.bounds(parameters, inputs, observed)
            values = [found[name].item() for name in names]
            return [*values, *(bounds[name].item() for name in names), *map(abs, values)]

        columns = [f"{kind} {name}" for kind in ("value", "bound", "size") for name in names]
        sums = self.sums(columns, of_block)
        slack = 2 * self.ranks.size * torch.finfo(torch.float64).eps / 2
        values = {name: sums[f"value {name}"] for name in names}
        return values, {name: sums[f"bound {name}"] + slack * sums[f"size {name}"] for name in names}

    @contextmanager
    def _bar(self) -> Iterator[Callable[[int], None]]:
        """A progress bar, of the first process and on a terminal."""
        if self.ranks.rank or not sys.stderr.isatty():
            yield lambda size: None
            return
        progress = require("rich.progress", "scripts")
        console = require("rich.console", "scripts").Console(stderr=True)
        columns = (progress.BarColumn(), progress.DownloadColumn(), progress.TimeRemainingColumn())
        with progress.Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("", total=sum(part.size for part in self.parts))
            yield lambda size: bar.advance(task, size)
