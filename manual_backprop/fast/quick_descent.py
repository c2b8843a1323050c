"""The lesson's descent on a triangle, at two microseconds a step: Python's own numbers and nothing else.

The steps are those of triangle_descent.py, bit for bit, and the rules those of descent.py, which are the ones
to read. Here the chain of the four rows is written out without the products with the zeros below the
diagonal, and a step makes no dictionary. docs/speed.md tells what that gains.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor

from manual_backprop.fast import triangle_descent
from manual_backprop.fast.seven_parameters import ARE_ALL, SEVEN
from manual_backprop.fast.triangle import Triangle
from manual_backprop.fast.triangle_in_blocks import from_data
from manual_backprop.lesson import descent
from manual_backprop.lesson.descent import History, Stopped, check_rules, check_task
from manual_backprop.lesson.gradient import LESSON_WRT


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
    """Gradient descent by the rules of descent.descend, for w3, w4 and b3 on any number of observations.

    The data are read once. Whatever their precision, the descent runs in float64, and so is its history.
    A wrt that moves the hidden layer goes to descent.descend, and so does a network of other parameters.

    Shapes: each parameter (), inputs and observed (n)
    Errors: those of descent.descend
    Source: triangle.py
    """
    check_task(parameters, inputs, observed, wrt)
    check_rules(learning_rate, max_steps, min_step_size)
    if not (ARE_ALL and set(wrt) <= set(LESSON_WRT)):
        rules: dict[str, Any] = {"max_steps": max_steps, "min_step_size": min_step_size}
        return descent.descend(parameters, inputs, observed, wrt, learning_rate=learning_rate, **rules)
    one = from_data(parameters, inputs, observed)
    return descend_on(one, parameters, wrt, float(learning_rate), max_steps, min_step_size)


def descend_on(
    one: Triangle,
    parameters: Mapping[str, Tensor],
    wrt: Sequence[str],
    learning_rate: float,
    max_steps: int,
    min_step_size: float,
) -> History:
    """triangle_descent.descend, for a task that has been checked."""
    (a1, a2, a3, a4), (_, c2, c3, c4), (_, _, e3, e4), (_, _, _, g4) = one.rows.tolist()
    w3, w4, b3 = (parameters[name].item() for name in LESSON_WRT)
    # A parameter that rests takes steps of size 0, which the rules below do not see.
    rate3, rate4, rate_b = (learning_rate if name in wrt else 0.0 for name in LESSON_WRT)
    size3 = size4 = size_b = math.inf
    points: list[tuple[float, ...]] = []
    while True:
        r1 = a4 - (w3 * a1 + w4 * a2 + b3 * a3)  # the residuals of the rows; that of the last is g4
        r2 = c4 - (w4 * c2 + b3 * c3)
        r3 = e4 - b3 * e3
        ssr = r1 * r1 + r2 * r2 + r3 * r3 + g4 * g4
        p1, p2, p3 = -2 * r1, -2 * r2, -2 * r3  # ∂SSR/∂Predicted of the rows
        d_ssr_d_w3 = p1 * a1
        d_ssr_d_w4 = p1 * a2 + p2 * c2
        d_ssr_d_b3 = p1 * a3 + p2 * c3 + p3 * e3
        points.append((ssr, d_ssr_d_w3, d_ssr_d_w4, d_ssr_d_b3, w3, w4, b3))
        if not math.isfinite(ssr + d_ssr_d_w3 + d_ssr_d_w4 + d_ssr_d_b3 + w3 + w4 + b3):
            # What diverges is a matter of one number after the other; it is rare, and need not be quick.
            limits: dict[str, Any] = {"max_steps": max_steps, "min_step_size": min_step_size}
            return triangle_descent.descend(one, parameters, wrt, learning_rate=learning_rate, **limits)
        if abs(size3) < min_step_size and abs(size4) < min_step_size and abs(size_b) < min_step_size:
            stopped = Stopped.CONVERGED
            break
        if len(points) > max_steps:
            stopped = Stopped.STEP_LIMIT
            break
        size3, size4, size_b = rate3 * d_ssr_d_w3, rate4 * d_ssr_d_w4, rate_b * d_ssr_d_b3
        w3, w4, b3 = w3 - size3, w4 - size4, b3 - size_b
    return _history(one, one.rows.new_tensor(points), wrt, learning_rate, stopped)


def _history(
    one: Triangle, points: Tensor, wrt: Sequence[str], learning_rate: float, stopped: Stopped
) -> History:
    ssr, *columns = points.T.contiguous().unbind()
    derivatives = dict(zip(LESSON_WRT, columns[:3], strict=True))
    moved = dict(zip(LESSON_WRT, columns[3:], strict=True))
    resting = {name: value.expand(len(points)).clone() for name, value in one.hidden.items()}
    return History(
        parameters={name: {**moved, **resting}[name] for name in SEVEN},
        ssr=ssr,
        derivatives={name: derivatives[name] for name in wrt},
        step_sizes={name: learning_rate * derivatives[name][:-1] for name in wrt},
        stopped=stopped,
    )
