"""torch.set_default_device changes nothing: what is computed stays where the tensors are that were given."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from fast_ways import WAYS
from manual_backprop import LESSON_WRT, PARAMETERS, lesson
from manual_backprop.fast import lesson_gradient as fast
from manual_backprop.fast import quick_descent
from manual_backprop.fast import triangle_in_blocks as fast_triangle
from manual_backprop.fast.perceptron_gradient import Gradients
from manual_backprop.fast.seven_parameters import ARE_ALL
from manual_backprop.lesson import descent
from manual_backprop.networks.architecture import initial_parameters, perceptron
from manual_backprop.training import minibatches as batches
from manual_backprop.training.sharpness import largest_eigenvalue


def sine(n: int) -> tuple[Tensor, Tensor]:
    """Inputs, and their sine as what is observed."""
    inputs = torch.linspace(-1, 1, n, dtype=torch.float64, device="cpu")
    return inputs, inputs.sin()


def gradient(n: int) -> list[Tensor]:
    """Of the lesson's network on n observations."""
    return list(fast.gradients(lesson.start(), *sine(n), PARAMETERS).values())


def triangle_of_many() -> list[Tensor]:
    """Of the lesson's data, by the kernel."""
    return [fast_triangle.from_data(lesson.start(), *sine(20_000)).rows]


def descent_of_the_lesson() -> list[Tensor]:
    """Where it went, and how well it fitted there."""
    history = quick_descent.descend(lesson.start(), *lesson.data(), max_steps=3)
    return [*history.parameters.values(), *history.step_sizes.values(), history.ssr]


def sharpest_direction() -> list[Tensor]:
    """Of a quadratic, from a random start."""
    start = {"a": torch.ones(2, dtype=torch.float64, device="cpu")}
    weights = start["a"].cumsum(0)
    generator = torch.Generator().manual_seed(1)
    return [largest_eigenvalue(lambda at: {"a": weights * at["a"]}, start, generator).vector["a"]]


def perceptrons_gradient() -> list[Tensor]:
    """By torch's way, for tanh; from random parameters."""
    network = perceptron((3, 4, 2), ("tanh", None))
    parameters = initial_parameters(network, torch.Generator().manual_seed(1))
    inputs = torch.ones(5, 3, dtype=torch.float64, device="cpu")
    return [*parameters.values(), *Gradients(network)(parameters, inputs, inputs[:, :2]).values()]


CASES: dict[str, Callable[[], list[Tensor]]] = {
    "the gradient of a few observations": lambda: gradient(3),
    "the gradient of many": lambda: gradient(20_000),
    **({"the triangle of many": triangle_of_many} if ARE_ALL else {}),
    "a descent": descent_of_the_lesson,
    "an epoch's order": lambda: list(batches.batches(5, 2, 0, 0)),
    "a random start": lambda: list(descent.initial_parameters(1, LESSON_WRT).values()),
    "the sharpest direction": sharpest_direction,
    "a perceptron's start and gradient": perceptrons_gradient,
}


@pytest.mark.parametrize("compiled", WAYS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_default_device_changes_no_result(
    case: Callable[[], list[Tensor]], compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The meta device stands for a GPU: what is made there by mistake has no numbers."""
    if not compiled:
        for module in (fast, fast_triangle):
            monkeypatch.setattr(module, "library", lambda dtype: None)
    expected = case()
    with torch.device("meta"):
        found = case()
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
