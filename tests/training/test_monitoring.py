"""What is watched in a training, and the warnings, each provoked by a network that deserves it."""

import math
from collections.abc import Callable
from functools import partial
from types import MappingProxyType
from typing import Any

import pytest
import torch
from torch import Tensor

from manual_backprop.networks.perceptron import perceptron
from manual_backprop.training.monitoring import Figures, figures
from manual_backprop.training.symptoms import EXPLODING, Symptom, symptoms
from strategies_layers import make_perceptron_case
from trainings import small_case, steps_of


def told(
    widths: tuple[int, ...], activation: str, scale: float = 1.0, steps: int = 8, **settings: Any
) -> list[Symptom]:
    """The warnings of a real training whose starting weights are scaled."""
    activations = (*[activation] * (len(widths) - 2), None)
    case = make_perceptron_case(widths, activations, "cross_entropy_mean", 40, torch.float64, seed=1)
    case = case._replace(parameters={name: scale * value for name, value in case.parameters.items()})
    network = perceptron(widths, activations)
    found, first = [], math.nan
    for _, step in zip(range(steps), steps_of(case, 4, **settings), strict=False):
        here = figures(network, step)
        first = here.loss if math.isnan(first) else first
        found += symptoms(here, first, network.shapes)
    return found


def test_a_healthy_training_gets_no_warning() -> None:
    """Every activation that may stand in a shallow network."""
    for activation in ("relu", "tanh", "gelu", "sigmoid"):
        assert told((8, 16, 4), activation, learning_rate=0.003) == []


@pytest.mark.parametrize(
    ("provoke", "kind", "where", "words"),
    [
        (lambda: told((8, *[8] * 7, 4), "sigmoid"), "vanishing", "0.weight", "the gradient vanishes"),
        (lambda: told((8, 8, 8, 8, 4), "relu", 60.0), "exploding", "0.weight", "0.weight explodes"),
        (
            lambda: told((8, 8, 4), "tanh", optimiser="gradient_descent", learning_rate=40.0),
            "learning rate",
            "2.weight",
            "the step moves 2.weight by",
        ),
        (
            lambda: told((8, 8, 4), "relu", optimiser="gradient_descent", learning_rate=40.0),
            "learning rate",
            "loss",
            "times the first one",
        ),
        (lambda: told((8, 8, 4), "tanh", 300.0), "dead", "1.output", "dead or saturated"),
    ],
)
def test_each_warning_is_provoked(
    provoke: Callable[[], list[Symptom]], kind: str, where: str, words: str
) -> None:
    """A deep sigmoid stack, large starting weights, a learning rate that is too large, saturated units."""
    found = provoke()
    [first, *_] = [symptom for symptom in found if symptom[:2] == (kind, where)]
    assert words in first.sentence
    assert first.sentence.startswith("step ")


def test_a_deep_relu_stack_does_not_vanish_where_sigmoid_does() -> None:
    """The warning is of the activation, not of the depth."""
    assert "vanishing" not in {symptom.kind for symptom in told((8, *[8] * 7, 4), "leaky_relu")}


def length(values: Tensor) -> float:
    """The Euclidean norm, rounded a few times at most."""
    return math.hypot(*values.flatten().tolist())


def test_the_figures_are_what_they_are_called() -> None:
    """Norms against sums without rounding, the shares of flat elements and dead units against the slopes."""
    case = small_case("relu")
    spoilt = case.parameters | {"0.bias": case.parameters["0.bias"] - 100 * torch.eye(6).double()[0]}
    step = next(steps_of(case._replace(parameters=spoilt), 1))
    here = figures(perceptron(case.widths, case.activations), step)
    assert (here.epoch, here.step, here.loss) == (0, 0, step.loss.item())
    for name, before in spoilt.items():
        # m squares and their sum round by m eps / 2, which the root halves; it, fsum and hypot add one each.
        close = partial(pytest.approx, rel=(before.numel() / 4 + 2) * torch.finfo(torch.float64).eps, abs=0)
        moved = step.after.parameters[name] - before
        assert here.gradient_norm[name] == close(length(step.gradients[name]))
        assert here.parameter_norm[name] == close(length(before))
        assert here.update_ratio[name] * length(before) == close(length(moved))
    off = step.trace.intermediates["1.output"] == 0
    assert here.flat == {"1.output": off.sum().item() / off.numel()}
    assert here.dead == {"1.output": off.all(0).sum().item() / off.shape[1]}
    assert here.dead["1.output"] >= 1 / 6


def test_softmax_has_no_slope_and_a_parameter_of_zeros_no_finite_ratio() -> None:
    """Neither ends in a division by zero."""
    case = small_case("softmax")
    case = case._replace(parameters={name: 0 * value for name, value in case.parameters.items()})
    step = next(steps_of(case, 1))
    here = figures(perceptron(case.widths, case.activations), step)
    assert (here.flat, here.dead) == ({}, {})
    assert here.update_ratio["2.bias"] == math.inf
    assert here.update_ratio["0.weight"] == 0.0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_leaky_relu_is_never_flat(dtype: torch.dtype) -> None:
    """Its smaller slope is the threshold itself, a hundredth, in either precision."""
    case = small_case("leaky_relu", dtype=dtype)
    step = next(steps_of(case, 1))
    assert (step.trace.intermediates["0.output"] < 0).any()
    here = figures(perceptron(case.widths, case.activations), step)
    assert (here.flat, here.dead) == ({"1.output": 0.0}, {"1.output": 0.0})


def test_the_loss_that_rises_and_the_gradient_that_is_infinite() -> None:
    """At the thresholds themselves nothing is said."""
    same = MappingProxyType({"0.weight": 1.0})
    here = Figures(0, 5, 10.0, same, same, MappingProxyType({"0.weight": 0.5}), {}, {"1.output": 0.5})
    shapes = {"0.weight": (2, 2)}
    assert list(symptoms(here, 1.0, shapes)) == []
    assert [s.kind for s in symptoms(here._replace(loss=10.1), 1.0, shapes)] == ["learning rate"]
    infinite = here._replace(gradient_norm={"0.weight": math.inf})
    assert list(symptoms(infinite, 1.0, shapes)) == []
    # Half as large a first loss, and the loss has risen twenty times over.
    [risen] = symptoms(here, 0.5, shapes)
    assert risen.sentence.endswith("the loss is 20 times the first one")
    threshold = here._replace(gradient_norm={"0.weight": EXPLODING}, parameter_norm={"0.weight": 1.0})
    assert list(symptoms(threshold, 1.0, shapes)) == []
    [exploding] = symptoms(threshold._replace(parameter_norm={"0.weight": 0.5}), 1.0, shapes)
    assert exploding.sentence == (
        f"step 5: the gradient of 0.weight explodes: it is {2 * EXPLODING:.3g} times as long as the "
        "parameter; smaller starting weights, --standardise or a mean for a sum help"
    )
    tiny = threshold._replace(
        gradient_norm={"0.weight": 3e-20 * EXPLODING}, parameter_norm={"0.weight": 1e-20}
    )
    assert [symptom.kind for symptom in symptoms(tiny, 1.0, shapes)] == ["exploding"]
    [dead] = symptoms(here._replace(dead={"1.output": 0.75}), 1.0, shapes)
    assert dead == (
        "dead",
        "1.output",
        "step 5: 75% of the units of 1.output are dead or saturated for every row: no gradient passes; "
        "a smaller learning rate or smaller starting weights help",
    )


def test_a_gradient_that_vanishes_is_told_per_number_of_its_weights() -> None:
    """Of two tensors of different sizes, the norms over the roots of the sizes are compared."""
    norms = {"0.weight": 4 * 1e-9, "2.weight": 1.0, "4.weight": 4.0}
    ones = dict.fromkeys(norms, 1.0)
    here = Figures(0, 5, 1.0, norms, ones, dict.fromkeys(norms, 0.1), {}, {})
    [found] = symptoms(here, 1.0, {"0.weight": (4, 4), "2.weight": (1, 1), "4.weight": (2, 2)})
    assert found == (
        "vanishing",
        "0.weight",
        "step 5: the gradient vanishes on its way back: 0.weight gets 5.0e-10 of what 4.weight gets; "
        "fewer layers, relu, or a wider start help",
    )
