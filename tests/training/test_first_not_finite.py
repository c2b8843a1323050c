"""The first place at which a number is not finite is named."""

import math

import pytest
import torch

from manual_backprop.layers.table import LAYERS
from manual_backprop.networks.perceptron import perceptron
from manual_backprop.training.monitoring import first_not_finite
from manual_backprop.training.symptoms import not_finite
from trainings import small_case, steps_of, with_layer


@pytest.mark.parametrize(
    ("module", "derivative", "expected"),
    [("0", None, "0.output"), ("1", None, "1.output"), ("1", "input", "the gradient of 0.output")],
)
def test_the_first_place_of_a_nan_is_named(module: str, derivative: str | None, expected: str) -> None:
    """A layer whose forward pass, or whose derivative, makes a NaN: it and not what it infects."""
    network = perceptron((4, 6, 3), ("tanh", None))
    right = LAYERS["linear" if module == "0" else "tanh"]

    def forward(parameters, inputs):
        output, saved = right.forward(parameters, inputs)
        return math.nan * output, saved

    wrong = right._replace(forward=forward)
    if derivative:
        spoilt = {derivative: lambda saved, d: math.nan * right.derivatives[derivative](saved, d)}
        wrong = right._replace(derivatives={**right.derivatives, **spoilt})
    step = next(steps_of(small_case(), 1, network=with_layer(network, module, wrong)))
    assert first_not_finite(step) == expected
    sentence = not_finite(0, expected).sentence
    assert sentence == f"step 0: NaN or infinity, first in {expected}: the training stops"


def test_a_nan_among_parameters_inputs_and_the_loss_is_named() -> None:
    """A parameter before the module that it spoils; an infinite loss; nothing where all is finite."""
    case = small_case()
    step = next(steps_of(case, 1))
    assert first_not_finite(step) is None
    spoilt = {**case.parameters, "2.bias": torch.full((3,), math.nan).double()}
    assert first_not_finite(next(steps_of(case._replace(parameters=spoilt), 1))) == "parameter 2.bias"
    assert first_not_finite(step._replace(loss=torch.tensor(math.inf))) == "the loss"
    inputs = torch.full_like(case.inputs, math.nan)
    assert first_not_finite(next(steps_of(case._replace(inputs=inputs), 1))) == "input"


def test_what_is_not_finite_is_a_symptom_of_its_first_place() -> None:
    """Kind, place and sentence."""
    sentence = "step 3: NaN or infinity, first in the loss: the training stops"
    assert not_finite(3, "the loss") == ("not finite", "the loss", sentence)
