"""Testing the tests: every planted mistake in an optimiser leaves torch's bits."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from manual_backprop.optimisers import table as optimisers
from manual_backprop.optimisers.table import adam, gradient_descent
from optimisers_compared import lockstep


def without_bias_correction(*arguments: Any, learning_rate: float, **settings: Any) -> Any:
    parameters, gradients, _ = arguments
    _, new_state = adam(*arguments, learning_rate=learning_rate, **settings)
    return {
        name: torch.addcdiv(
            parameter, new_state[name].first, new_state[name].second.sqrt() + 1e-8, value=-learning_rate
        )
        if name in gradients
        else parameter
        for name, parameter in parameters.items()
    }, new_state


def with_another_epsilon(*arguments: Any, learning_rate: float, **settings: Any) -> Any:
    return adam(*arguments, learning_rate=learning_rate, epsilon=1e-7, **settings)


def coupled_decay(*arguments: Any, **settings: Any) -> Any:
    return adam(*arguments, **settings)


def without_first_velocity(*arguments: Any, **settings: Any) -> Any:
    parameters, gradients, state = arguments
    zeros = {name: optimisers.Velocity(torch.zeros_like(parameter)) for name, parameter in parameters.items()}
    return gradient_descent(parameters, gradients, {**zeros, **state}, **settings)


def one_step_late(*arguments: Any, **settings: Any) -> Any:
    parameters, gradients, state = arguments
    late = {name: memory._replace(step=memory.step + 1) for name, memory in state.items()}
    return adam(parameters, gradients, late, **settings)


MISTAKES: dict[str, tuple[str, Callable[..., Any]]] = {
    "Adam without bias correction": ("adam", without_bias_correction),
    "Adam with another epsilon": ("adam", with_another_epsilon),
    "Adam with the wrong step": ("adam", one_step_late),
    "AdamW with Adam's decay": ("AdamW, decay", coupled_decay),
    "dampened first velocity": ("momentum, dampening", without_first_velocity),
    "Nesterov forgotten": (
        "Nesterov",
        lambda *arguments, nesterov, **settings: gradient_descent(*arguments, **settings),
    ),
    "decay forgotten": (
        "weight decay",
        lambda *arguments, weight_decay, **settings: gradient_descent(*arguments, **settings),
    ),
    "ascent": (
        "gradient_descent",
        lambda parameters, gradients, state, **settings: gradient_descent(
            parameters, {name: -gradient for name, gradient in gradients.items()}, state, **settings
        ),
    ),
}


@pytest.mark.parametrize(("pair", "wrong"), MISTAKES.values(), ids=MISTAKES)
def test_a_planted_mistake_in_an_optimiser_is_refused(pair: str, wrong: Callable[..., Any]) -> None:
    """Testing the test: each mistake leaves torch's bits."""
    with pytest.raises(AssertionError, match="at step"):
        lockstep(pair, seed=1, optimiser=wrong)
