"""One training run: by hand and by torch, epoch by epoch, with what is watched, checked and kept."""

import argparse
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from torch import Tensor

from keeping import checkpoints
from manual_backprop.training.early_stopping import Best
from manual_backprop.training.epochs import Point, Step, epoch_of_steps
from manual_backprop.training.monitoring import Figures, figures, first_not_finite
from manual_backprop.training.symptoms import Symptom, not_finite, symptoms
from support.atomic_files import check_file
from torch_reference.lockstep.lockstep import Lockstep
from torch_reference.networks.perceptron import sequential
from training.data import Data
from training.log import Log
from training.resuming import PROGRAM, content_of, made_for, resumed
from training.setup import Setup, scores, start_of


class Watcher(Protocol):
    """Who is told of everything that happens: the terminal, a log, TensorBoard, the pictures."""

    def step(self, here: Figures) -> None:
        """A step was taken."""

    def warning(self, symptom: Symptom, here: Figures) -> None:
        """Something looks wrong, said once for each kind and place."""

    def epoch(self, number: int, losses: Mapping[str, float]) -> None:
        """An epoch is over."""


class Outcome(NamedTuple):
    """How a run ended: where both witnesses are, what was judged, and why it stopped."""

    point: Point
    best: Best
    lockstep: Lockstep
    reference: dict[str, Tensor]
    stopped: str
    seconds: float


class Run:
    """A training that can be interrupted after every epoch."""

    def __init__(self, setup: Setup, data: Data, options: argparse.Namespace):
        """Begin at the start, or where the checkpoint is."""
        self.setup, self.data, self.options = setup, data, options
        self.watchers: list[Watcher] = []
        recipe, start = setup.recipe, start_of(setup, data)
        module = sequential(setup.widths, setup.activations)
        self.lockstep = Lockstep(
            module, start, recipe.loss, recipe.optimiser, recipe.settings, options.check_every
        )
        self.point, self.best, self.first_loss, self.logged = Point(start, {}), Best(), math.nan, None
        self.log: Log | None = None
        self.path = Path(options.checkpoint) if options.checkpoint else None
        if self.path and not options.resume and self.path.exists():
            raise ValueError(f"--checkpoint {self.path}: exists already; --resume goes on from it")
        if self.path:
            check_file(self.path, f"--checkpoint {self.path}")
        if self.path and options.resume:
            found = resumed(self.path, setup, data, start, self.lockstep)
            self.point, self.best, self.first_loss, self.logged = found
        if not math.isfinite(scores(setup, self.point.parameters, data.training)["loss"]):
            raise ValueError(f"{options.data}: the loss at the start overflows {options.dtype} on these data")
        self.told: set[tuple[str, str]] = set()

    def train(self) -> Outcome:
        """To the last epoch, the end of the patience, a number that is none, or a disagreement."""
        begun, stopped = time.perf_counter(), ""
        while not stopped:
            if self.point.epoch >= self.options.epochs:
                stopped = "all epochs done"
            elif self.best.is_over(self.point.epoch, self.options.patience):
                stopped = f"no lower validation loss for {self.options.patience} epochs"
            else:
                stopped = self._epoch()
        seconds = time.perf_counter() - begun
        return Outcome(self.point, self.best, self.lockstep, self.lockstep.own.here, stopped, seconds)

    def _epoch(self) -> str:
        """Train for one epoch; why the run stops in the middle of it, or nothing."""
        network, recipe, total, rows = self.setup.network, self.setup.recipe, 0.0, 0
        for step in epoch_of_steps(network, self.point, *self.data.training, recipe):
            stopped = self._step(step)
            if stopped:
                return stopped
            # A mean is weighted by its rows; the last mini-batch may have fewer.
            weight = len(step.inputs) if "mean" in recipe.loss else 1
            total, rows = total + step.loss.item() * weight, rows + weight
            self.point = step.after
        self.point = self.point._replace(epoch=self.point.epoch + 1)
        losses = {"training_loss": total / rows if "mean" in recipe.loss else total}
        if len(self.data.validation.inputs):
            losses |= scores(self.setup, self.point.parameters, self.data.validation, "validation_")
            self.best = self.best.updated(losses["validation_loss"], self.point.epoch, self.point.parameters)
        # The checkpoint comes last: whoever resumes from it finds that epoch whole in the log.
        for watcher in self.watchers:
            watcher.epoch(self.point.epoch, losses)
        if self.path:
            here = (self.point, self.best, self.first_loss, self.lockstep, self.log and self.log.end())
            checkpoints.save(self.path, PROGRAM, made_for(self.setup, self.data), content_of(*here))
        return ""

    def _step(self, step: Step) -> str:
        """Watch and judge one step; why the run stops before it counts, or nothing."""
        here = figures(self.setup.network, step)
        for watcher in self.watchers:
            watcher.step(here)
        self.lockstep.observe(here.step, judged(step), step.after.parameters)
        lost = first_not_finite(step)
        if lost:
            self._warn(not_finite(here.step, lost), here)
            return "diverged"
        self.first_loss = here.loss if math.isnan(self.first_loss) else self.first_loss
        for symptom in symptoms(here, self.first_loss, self.setup.network.shapes):
            self._warn(symptom, here)
        return "the witnesses disagree" if self.lockstep.divergence else ""

    def _warn(self, symptom: Symptom, here: Figures) -> None:
        if symptom[:2] not in self.told:
            self.told.add(symptom[:2])
            for watcher in self.watchers:
                watcher.warning(symptom, here)


def judged(step: Step) -> dict[str, Tensor]:
    """A step as torch_reference takes it: plain names and tensors."""
    slopes = {f"d_loss_d_{name}": value for name, value in step.gradients.items()}
    known = {**step.before.parameters, **step.trace.intermediates, **slopes}
    return {**known, "targets": step.targets, "loss": step.loss}
