"""The path that any optimiser of manual_backprop takes on the lesson's network, point by point."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from manual_backprop.lesson.gradient import DERIVATIVES
from manual_backprop.lesson.network import forward
from manual_backprop.optimisers.table import OPTIMISERS

NAMES = {"gradient_descent": "Gradient descent", "adam": "Adam"}
"""The two that are shown side by side."""


class Path(NamedTuple):
    """The points after 0, 1, 2, … steps, and the SSR at each."""

    points: list[dict[str, Tensor]]
    ssr: Tensor


def follow(
    optimiser: str,
    start: Mapping[str, Tensor],
    inputs: Tensor,
    observed: Tensor,
    wrt: Sequence[str],
    steps: int,
    **settings: Any,
) -> Path:
    """Take so many steps from the start; only the parameters of wrt move."""
    point, state = dict(start), {}
    points, ssrs = [point], []
    while True:
        trace = forward(point, inputs, observed)
        ssrs.append(trace.ssr)
        if len(ssrs) > steps:
            return Path(points, torch.stack(ssrs))
        slopes = {name: DERIVATIVES[name](trace) for name in wrt}
        point, state = OPTIMISERS[optimiser](point, slopes, state, **settings)
        points.append(point)
