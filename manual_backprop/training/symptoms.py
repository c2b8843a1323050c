"""Warnings in plain words: what the figures of a step say is wrong, and what usually helps.

Each threshold has a reason beside it. None is a proof: a warning says where to look.
"""

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from manual_backprop.training.monitoring import Figures

VANISHING = 1e-3
"""First layer's gradient per weight over the last one's: when the last has taken a thousand steps, the first
has gone the length of one. Sigmoid layers, whose slope is at most 1/4, cost a factor 4 and more each."""

EXPLODING = 1e3
"""Gradient over parameter, in norm: one step at the usual rate of 0.001 would be as long as the parameter."""

LONGEST_UPDATE = 0.5
"""Update over weight, in norm: a healthy one is near 0.001 (Karpathy), and a step of half of the weight
forgets what was learnt. Biases start near 0 and may move by more."""

RISING = 10.0
"""Loss over the first loss: right descent lowers it; a mini-batch by itself does not vary so much."""

DEAD = 0.5
"""Half of a module's units pass no gradient on for any row: half of the width is wasted."""


class Symptom(NamedTuple):
    """A warning: its kind, the parameter or module it is about, and the sentence."""

    kind: str
    where: str
    sentence: str


def symptoms(here: Figures, first_loss: float, shapes: Mapping[str, tuple[int, ...]]) -> Iterator[Symptom]:
    """The warnings that the figures of one step give; first_loss is that of the training's first step."""
    step = f"step {here.step}"
    weights = [name for name in here.gradient_norm if name.endswith("weight")]
    per_weight = {name: here.gradient_norm[name] / math.sqrt(math.prod(shapes[name])) for name in weights}
    first, last = per_weight[weights[0]], per_weight[weights[-1]]
    if first < VANISHING * last:
        yield Symptom(
            "vanishing",
            weights[0],
            f"{step}: the gradient vanishes on its way back: {weights[0]} gets {first / last:.1e} of what "
            f"{weights[-1]} gets; fewer layers, relu, or a wider start help",
        )
    for name in weights:
        ratio = here.gradient_norm[name] / max(here.parameter_norm[name], math.ulp(0))
        if EXPLODING < ratio < math.inf:
            yield Symptom(
                "exploding",
                name,
                f"{step}: the gradient of {name} explodes: it is {ratio:.3g} times as long as the parameter; "
                "smaller starting weights, --standardise or a mean for a sum help",
            )
        if here.update_ratio[name] > LONGEST_UPDATE:
            yield Symptom(
                "learning rate",
                name,
                f"{step}: the learning rate is too large: the step moves {name} by "
                f"{here.update_ratio[name]:.3g} times its length",
            )
    if here.loss > RISING * first_loss:
        yield Symptom(
            "learning rate",
            "loss",
            f"{step}: the learning rate is too large: the loss is {here.loss / first_loss:.3g} times the "
            "first one",
        )
    for name, share in here.dead.items():
        if share > DEAD:
            yield Symptom(
                "dead",
                name,
                f"{step}: {share:.0%} of the units of {name} are dead or saturated for every row: "
                "no gradient passes; a smaller learning rate or smaller starting weights help",
            )


def not_finite(step: int, first: str) -> Symptom:
    """The warning that a number is NaN or infinite, first in this place."""
    return Symptom("not finite", first, f"step {step}: NaN or infinity, first in {first}: the training stops")
