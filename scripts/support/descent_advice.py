"""What is said of a learning rate before a descent, and of where the descent has stopped."""

import argparse
import math
from collections.abc import Mapping

import torch
from torch import Tensor

from manual_backprop import LESSON_WRT
from manual_backprop.lesson.curvature import hessian
from manual_backprop.lesson.descent import History, Stopped
from manual_backprop.lesson.network import forward

FAR = 3
"""A step that is so many times the smallest one worth taking is worth taking."""
GROWN = 10
"""An SSR that is so many times the first one has grown for good, not for a step or two."""
MORE = "scripts/learning_rate.py says more."


def largest_stable_rate(
    parameters: Mapping[str, Tensor], inputs: Tensor, observed: Tensor, options: argparse.Namespace
) -> float:
    """2 / the largest eigenvalue of the Hessian at this point; infinite where nothing bends upwards."""
    second = hessian(forward(parameters, inputs, observed), options.wrt)
    if not second.isfinite().all():
        return math.inf
    largest = torch.linalg.eigvalsh(second.double())[-1].item()
    return 2 / largest if largest > 0 else math.inf


def before(stable: float, options: argparse.Namespace) -> list[str]:
    """A warning of a rate that is too large, with the largest stable one beside it."""
    if not options.learning_rate > stable:
        return []
    rate = f"the learning rate {options.learning_rate:g} is above {stable:.4g}, the largest that is stable"
    if set(options.wrt) <= set(LESSON_WRT):
        return [f"Warning: {rate} here: the SSR will grow. {MORE}"]
    return [f"Warning: {rate} at the start: the SSR may grow at first, or for good. {MORE}"]


def after(history: History, inputs: Tensor, observed: Tensor, options: argparse.Namespace) -> list[str]:
    """Advice where the descent has diverged, or has stopped only because its rate is small."""
    start = {name: value[0] for name, value in history.parameters.items()}
    first, last = history.ssr[0].item(), history.ssr[-1].item()
    if history.stopped is Stopped.DIVERGED or not last < GROWN * max(first, torch.finfo(torch.float32).tiny):
        stable = largest_stable_rate(start, inputs, observed, options)
        below = f" below {stable:.4g}, the largest that is stable at the start" if stable < math.inf else ""
        return [f"The descent diverged, SSR {first:.4g} to {last:.4g}: take a learning rate{below}. {MORE}"]
    if history.stopped is not Stopped.CONVERGED or not history.derivatives:
        return []
    end = {name: value[-1] for name, value in history.parameters.items()}
    stable = largest_stable_rate(end, inputs, observed, options)
    name, steepest = max(
        ((name, abs(value[-1].item())) for name, value in history.derivatives.items()), key=lambda one: one[1]
    )
    if not (stable < math.inf and stable * steepest > FAR * options.min_step_size):
        return []
    return [
        "The steps are small because the learning rate is, not because a minimum is near: "
        f"dSSR/d{name} is still {steepest:.3g}, and rates up to {stable:.4g} are stable. {MORE}"
    ]
