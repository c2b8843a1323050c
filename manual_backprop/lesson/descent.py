"""Gradient descent by hand: the lesson's step, its two stopping rules, and the history of every step."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from manual_backprop.checks import check_names, check_network
from manual_backprop.lesson import dosage
from manual_backprop.lesson.gradient import DERIVATIVES, LESSON_WRT
from manual_backprop.lesson.network import PARAMETERS, forward

Number = TypeVar("Number", float, Tensor)
"""A tensor of shape () in the working precision, or Python's own number, which is a float64."""


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
    Shapes:  each parameter (), inputs and observed (n); no batch: each of its networks would stop by itself
    Errors:  those of forward; ValueError for a batch, for an empty or unknown wrt, and for a learning rate,
             a number of steps or a step size that makes no sense
    Source:  docs/lesson.md, sections 3.3 and 3.4

    >>> from manual_backprop import lesson
    >>> lesson.descend(lesson.start(), *lesson.data(), learning_rate=0.1).steps
    310
    """
    check_task(parameters, inputs, observed, wrt)
    check_rules(learning_rate, max_steps, min_step_size)

    def evaluate(here: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        trace = forward(here, inputs, observed)
        return trace.ssr, {name: DERIVATIVES[name](trace) for name in wrt}

    rate = _in_working_precision(learning_rate, inputs)
    return follow(evaluate, parameters, wrt, rate, max_steps, min_step_size, inputs)


def follow(
    evaluate: Callable[[Mapping[str, Number]], tuple[Number, Mapping[str, Number]]],
    start: Mapping[str, Number],
    wrt: Sequence[str],
    rate: Number,
    max_steps: int,
    min_step_size: float,
    like: Tensor,
) -> History:
    """The rules of descend, for anything that gives the SSR and its derivatives by wrt at a point.

    Shapes: every number (); the history has the names of start, and the dtype and the device of like
    """
    derivatives: Mapping[str, Number]
    here: dict[str, Number] = dict(start)
    names = [name for name in PARAMETERS if name in start]
    still: dict[str, float] = {name: float(start[name]) for name in names if name not in wrt}
    points: list[list[float]] = []
    step_sizes: list[list[float]] = []
    while True:
        ssr, derivatives = evaluate(here)
        # float() of a float32 is exact, so that what is recorded comes back with the same bits.
        points.append([float(ssr), *[float(derivatives[n]) for n in wrt], *[float(here[n]) for n in wrt]])
        if not all(map(math.isfinite, (*points[-1], *still.values()))):
            stopped = Stopped.DIVERGED
            break
        if step_sizes and all(abs(size) < min_step_size for size in step_sizes[-1]):
            stopped = Stopped.CONVERGED
            break
        if len(step_sizes) == max_steps:
            stopped = Stopped.STEP_LIMIT
            break
        # Every derivative was taken at the same point, before any parameter moves.
        sizes = {name: rate * derivatives[name] for name in wrt}
        step_sizes.append([float(size) for size in sizes.values()])
        here = here | {name: here[name] - sizes[name] for name in wrt}
    columns = _columns(points, 1 + 2 * len(wrt), like)
    moved = dict(zip(wrt, columns[1 + len(wrt) :], strict=True))
    resting = {name: like.new_full((len(points),), value) for name, value in still.items()}
    return History(
        parameters={name: (moved | resting)[name] for name in names},
        ssr=columns[0],
        derivatives=dict(zip(wrt, columns[1:], strict=False)),
        step_sizes=dict(zip(wrt, _columns(step_sizes, len(wrt), like), strict=True)),
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
    Source: docs/lesson.md, section 3.1
    """
    check_names(wrt, PARAMETERS)
    generator = torch.Generator().manual_seed(seed)
    # Every weight is drawn, used or not, on the CPU and in float64: a seed means one start, whatever the
    # choice of parameters, dtype and device.
    draws = {
        name: torch.randn((), generator=generator, dtype=torch.float64, device="cpu")
        for name in sorted(PARAMETERS)
        if name.startswith("w")
    }
    fresh = {name: draws.get(name, torch.zeros((), dtype=torch.float64, device="cpu")) for name in wrt}
    return {name: value.to(device, dtype) for name, value in {**dosage.start(), **fresh}.items()}


def _columns(rows: Sequence[Sequence[float]], count: int, like: Tensor) -> list[Tensor]:
    return [like.new_tensor([row[column] for row in rows]) for column in range(count)]


def _in_working_precision(learning_rate: float, inputs: Tensor) -> Tensor:
    rate = inputs.new_tensor(learning_rate)
    if not 0 < rate.item() < math.inf:
        raise ValueError(
            f"learning_rate {learning_rate!r} is {rate.item()} in {inputs.dtype}: too small or too large"
        )
    return rate


def check_task(
    parameters: Mapping[str, Tensor], inputs: Tensor, observed: Tensor, wrt: Sequence[str]
) -> None:
    """Raise ValueError or TypeError unless this is one network, one data set, and a wrt that moves."""
    check_names(wrt, PARAMETERS)
    if not wrt:
        raise ValueError(f"wrt must name at least one of {', '.join(PARAMETERS)}, found none")
    check_network(PARAMETERS, parameters, inputs, observed)
    batch = next(iter(parameters.values())).shape
    if batch or inputs.ndim != 1:
        raise ValueError(
            "descent takes one network and one data set, parameters of shape () and inputs of shape (n), "
            f"found {tuple(batch)} and {tuple(inputs.shape)}"
        )


def check_rules(learning_rate: float, max_steps: int, min_step_size: float) -> None:
    """Raise ValueError for a learning rate, a number of steps or a step size that makes no sense."""
    if not 0 < learning_rate < math.inf:
        raise ValueError(f"learning_rate must be above 0 and finite, found {learning_rate!r}")
    if not isinstance(max_steps, int) or max_steps < 0:
        raise ValueError(f"max_steps must be a whole number of at least 0, found {max_steps!r}")
    if not 0 <= min_step_size < math.inf:
        raise ValueError(f"min_step_size must be at least 0 and finite, found {min_step_size!r}")
