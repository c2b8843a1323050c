"""Training in lockstep: every link of every step against torch, and how far two whole trainings drift apart.

Two statements of two kinds. A step is *judged* from the numbers with which the other witness began it: what
is beyond rounding there is a mistake of that step. The *drift* is only observed: torch trains alone from the
same start on the same mini-batches, and a difference of one rounding may grow from step to step.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from torch_reference.comparison import Row, compare
from torch_reference.lockstep.link_bounds import update_bounds
from torch_reference.lockstep.link_by_link import Link, links
from torch_reference.lockstep.training import Follower, Training

Tensors = Mapping[str, Tensor]
COUNTED = ("seen", "checked", "compared", "largest_ratio", "largest_at", "drift")
"""What a Lockstep counts from the first step on."""


class Divergence(NamedTuple):
    """The first step, and in it the first link, that leaves the bound; and all links of it that do."""

    step: int
    rows: tuple[Row, ...]

    def __str__(self) -> str:
        """One line."""
        row = self.rows[0]
        where = f"step {self.step}, {row.name}: {row.verdict}"
        if row.explanation:
            return f"{where}; {row.explanation}"
        return f"{where} by {row.difference:.3g}, where rounding explains {row.bound:.3g}"


class Lockstep:
    """The judge of a training, step by step.

    Attributes: divergence, the first one or None; seen and checked, how many steps were observed and judged;
                compared, how many numbers; largest_ratio, their largest difference / bound, at largest_at
                (step and link); drift, the largest difference of a parameter between the two trainings so far
    """

    def __init__(
        self,
        network: nn.Sequential,
        parameters: Tensors,
        loss: str,
        optimiser: str,
        settings: Mapping[str, Any],
        check_every: int,
    ) -> None:
        """Begin both torch's own training and the judging at these parameters; 0 judges no step."""
        self.network, self.loss, self.check_every = network, loss, check_every
        self.own = Training(network, parameters, loss, optimiser, settings)
        self.follower = Follower(parameters, optimiser, settings)
        self.divergence: Divergence | None = None
        self.seen = self.checked = self.compared = 0
        self.largest_ratio, self.largest_at = 0.0, (0, "")
        self.drift = 0.0

    def observe(self, number: int, step: Tensors, after: Tensors) -> Tensor:
        """Judge one step, let torch take its own, and return the loss that torch had before it.

        Shapes: step as links takes it, with "loss" and the "d_loss_d_…" of every parameter; after has the
                parameters after the step
        """
        self.seen += 1
        value = self.own.take(step["input"], step["targets"])
        theirs = self.own.parameters
        self.drift = max(self.drift, *((after[n] - theirs[n].detach()).abs().max().item() for n in after))
        is_judged = bool(self.check_every) and number % self.check_every == 0 and self.divergence is None
        if is_judged:
            self.checked += 1
            self._judge(number, links(self.network, step, self.loss), step)
        if self.divergence is None:
            # The optimiser's memory grows at every step, judged or not.
            updated = self.follower.step({name: step[f"d_loss_d_{name}"] for name in after})
            if is_judged:
                expected = [
                    Link(name, value, update_bounds(step[name], value)) for name, value in updated.items()
                ]
                self._judge(number, expected, after, "after the update, ")
        return value

    def saved(self) -> dict[str, Any]:
        """Both of torch's optimisers and what was counted, as plain data for a checkpoint."""
        counted = {name: getattr(self, name) for name in COUNTED}
        return {"own": self.own.saved(), "follower": self.follower.saved(), "counted": counted}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on from what saved returned."""
        self.own.restore(saved["own"])
        self.follower.restore(saved["follower"])
        for name in COUNTED:
            setattr(self, name, saved["counted"][name])

    def _judge(self, number: int, expected: Iterable[Link], actual: Tensors, prefix: str = "") -> None:
        rows = (self._row(number, link, actual[link.name], prefix + link.name) for link in expected)
        wrong = tuple(row for row in rows if row is not None)
        if wrong:
            self.divergence = Divergence(number, wrong)

    def _row(self, number: int, link: Link, manual: Tensor, title: str) -> Row | None:
        self.compared += link.expected.numel()
        if manual.shape == link.expected.shape and manual.dtype == link.expected.dtype:
            difference, bound = (manual - link.expected).abs(), link.bound
            # Where a term overflows, the order of a sum decides between a number, ∞ and NaN.
            ratio = torch.where(bound.isfinite(), difference / bound, 0.0).max().item()
            if ratio <= 1:
                if ratio > self.largest_ratio:
                    self.largest_ratio, self.largest_at = ratio, (number, title)
                return None
        [row] = compare({title: manual}, {title: link.expected}, {title: link.bound})
        return None if row.agrees else row
