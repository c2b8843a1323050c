"""Gradient descent by hand: the lesson's step, its two stopping rules, and the history of every step."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch
from jaxtyping import Float
from torch import Tensor

from manual_backprop import lesson
from manual_backprop.checks import check_names, check_network
from manual_backprop.gradients import DERIVATIVES, LESSON_WRT
from manual_backprop.network import PARAMETERS, forward


class Stopped(StrEnum):
    """Why a descent stopped."""

    CONVERGED = "converged"
    STEP_LIMIT = "step limit"
    DIVERGED = "diverged"


@dataclass(frozen=True, eq=False)
class History:
    """Everything that a descent of K steps went through: row k is the point after k steps, row 0 the start.

    Step k leads from row k − 1 to row k, and its step sizes are row k − 1 of step_sizes.

    Shapes: parameters[name] (all seven), ssr and derivatives[name] (K + 1), step_sizes[name] (K)
    """

    parameters: Mapping[str, Tensor]
    ssr: Tensor
    derivatives: Mapping[str, Tensor]
    step_sizes: Mapping[str, Tensor]
    stopped: Stopped

    @property
    def steps(self) -> int:
        """Number of steps taken, K."""
        return len(self.ssr) - 1


def descend(
    parameters: Mapping[str, Float[Tensor, "*parameter_batch"]],
    inputs: Float[Tensor, "*data_batch n"],
    observed: Float[Tensor, "*data_batch n"],
    wrt: Sequence[str] = LESSON_WRT,
    *,
    learning_rate: float = 0.01,
    max_steps: int = 1000,
    min_step_size: float = 0.001,
) -> History:
    """Gradient descent on the SSR: all parameters of wrt move at once, the others stay frozen.

    The rules, in this order, at every point: stop as diverged when the SSR, a derivative or a parameter is
    not finite; as converged when every step size of the step just taken was below min_step_size (so the last
    small step is taken, and 0 turns this rule off); at the step limit after max_steps steps.

    Formula: step sizeₖ = learning rate · ∂SSR/∂parameterₖ,  parameterₖ₊₁ = parameterₖ − step sizeₖ
    Shapes:  each parameter (), inputs and observed (n): one network and one data set, because each network
             of a batch would stop at a step of its own
    Errors:  those of forward; ValueError for a batch, for an empty or unknown wrt, and for a learning rate,
             a number of steps or a step size that makes no sense
    Source:  the lesson, sections 3.3 and 3.4
    """
    _check_task(parameters, inputs, observed, wrt)
    _check_rules(learning_rate, max_steps, min_step_size)
    rate = _in_working_precision(learning_rate, inputs)
    here = dict(parameters)
    points: list[Mapping[str, Tensor]] = []
    ssrs: list[Tensor] = []
    derivatives: list[Mapping[str, Tensor]] = []
    step_sizes: list[Mapping[str, Tensor]] = []
    while True:
        trace = forward(here, inputs, observed)
        points.append(here)
        ssrs.append(trace.ssr)
        derivatives.append({name: DERIVATIVES[name](trace) for name in wrt})
        if not all(value.isfinite() for value in (trace.ssr, *derivatives[-1].values(), *here.values())):
            stopped = Stopped.DIVERGED
            break
        if step_sizes and all(abs(size.item()) < min_step_size for size in step_sizes[-1].values()):
            stopped = Stopped.CONVERGED
            break
        if len(step_sizes) == max_steps:
            stopped = Stopped.STEP_LIMIT
            break
        # Every derivative was taken at the same point, before any parameter moves.
        step_sizes.append({name: rate * derivatives[-1][name] for name in wrt})
        here = here | {name: here[name] - step_sizes[-1][name] for name in wrt}
    return History(
        parameters=_columns(PARAMETERS, points, inputs),
        ssr=torch.stack(ssrs),
        derivatives=_columns(wrt, derivatives, inputs),
        step_sizes=_columns(wrt, step_sizes, inputs),
        stopped=stopped,
    )


def initial_parameters(
    seed: int,
    wrt: Sequence[str] = LESSON_WRT,
    dtype: torch.dtype = torch.float64,
    device: str | torch.device = "cpu",
) -> dict[str, Float[Tensor, ""]]:
    """A random start as in the lesson: weights from the standard normal distribution, biases 0.

    Only the parameters of wrt are initialised; the frozen ones keep the lesson's optimal values.

    Shapes: each parameter ()
    Errors: ValueError for an unknown name in wrt
    Source: the lesson, section 3.1
    """
    check_names(wrt, PARAMETERS)
    generator = torch.Generator().manual_seed(seed)
    # Every weight is drawn, used or not, on the CPU and in float64: a seed means one start, whatever the
    # choice of parameters, dtype and device.
    draws = {
        name: torch.randn((), generator=generator, dtype=torch.float64) for name in ("w1", "w2", "w3", "w4")
    }
    fresh = {name: draws.get(name, torch.zeros((), dtype=torch.float64)) for name in wrt}
    return {name: value.to(device, dtype) for name, value in {**lesson.start(), **fresh}.items()}


def _columns(names: Sequence[str], rows: Sequence[Mapping[str, Tensor]], like: Tensor) -> dict[str, Tensor]:
    return {name: torch.stack([row[name] for row in rows]) if rows else like.new_empty(0) for name in names}


def _in_working_precision(learning_rate: float, inputs: Tensor) -> Tensor:
    rate = inputs.new_tensor(learning_rate)
    if not 0 < rate.item() < math.inf:
        raise ValueError(
            f"learning_rate {learning_rate!r} is {rate.item()} in {inputs.dtype}: too small or too large"
        )
    return rate


def _check_task(
    parameters: Mapping[str, Tensor], inputs: Tensor, observed: Tensor, wrt: Sequence[str]
) -> None:
    check_names(wrt, PARAMETERS)
    if not wrt:
        raise ValueError(f"wrt must name at least one of {', '.join(PARAMETERS)}, found none")
    check_network(PARAMETERS, parameters, inputs, observed)
    if parameters["w1"].ndim or inputs.ndim != 1:
        raise ValueError(
            "descent takes one network and one data set, parameters of shape () and inputs of shape (n), "
            f"found {tuple(parameters['w1'].shape)} and {tuple(inputs.shape)}"
        )


def _check_rules(learning_rate: float, max_steps: int, min_step_size: float) -> None:
    if not 0 < learning_rate < math.inf:
        raise ValueError(f"learning_rate must be above 0 and finite, found {learning_rate!r}")
    if not isinstance(max_steps, int) or max_steps < 0:
        raise ValueError(f"max_steps must be a whole number of at least 0, found {max_steps!r}")
    if not 0 <= min_step_size < math.inf:
        raise ValueError(f"min_step_size must be at least 0 and finite, found {min_step_size!r}")
