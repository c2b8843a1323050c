"""Training in lockstep: by hand and by torch on the same mini-batches, every step and every link compared."""

from collections.abc import Iterator, Mapping

import pytest
import torch
from torch import Tensor

import torch_reference.perceptron
from manual_backprop import perceptron
from manual_backprop.layers import ACTIVATIONS
from manual_backprop.optimisers import OPTIMISERS
from manual_backprop.perceptron import Perceptron
from tests.strategies_layers import make_perceptron_case
from torch_reference.agreement import OPERATIONS_PER_LAYER, Disagreement, first_divergence

WIDTHS, ACTIVATED = (4, 6, 3), ("tanh", None)
NETWORK = perceptron.perceptron(WIDTHS, ACTIVATED)
# From the loss backwards, so that the first name to diverge is the link where the mistake is.
BACKWARDS = ("2.output", "2.weight", "2.bias", "1.output", "0.output", "0.weight", "0.bias", "input")
LOSS = "cross_entropy_mean"


def with_wrong_link(network: Perceptron) -> Perceptron:
    """The network with a derivative of tanh that is wrong by one in a million."""
    tanh = ACTIVATIONS["tanh"]
    wrong = tanh._replace(
        derivatives={"input": lambda saved, d: tanh.derivatives["input"](saved, d) * (1 + 1e-6)}
    )
    return Perceptron(
        tuple(module._replace(layer=wrong) if module.name == "1" else module for module in network.modules)
    )


Steps = Iterator[tuple[dict[str, Tensor], dict[str, Tensor]]]


def training(steps: int, dtype: torch.dtype, optimiser: str, wrong_from: int | None = None) -> Steps:
    """The hand-derived training: each step's parameters and mini-batch, and the links and gradients of it."""
    case = make_perceptron_case(WIDTHS, ACTIVATED, LOSS, 24, dtype, seed=4)
    generator = torch.Generator().manual_seed(4)
    parameters, state = case.parameters, {}
    for step in range(steps):
        batch = torch.randperm(24, generator=generator)[:8]
        inputs, targets = case.inputs[batch], case.targets[batch]
        network = NETWORK if wrong_from is None or step < wrong_from else with_wrong_link(NETWORK)
        links = perceptron.gradients(network, parameters, inputs, targets, LOSS, BACKWARDS)
        yield {**parameters, "input": inputs, "targets": targets}, links
        gradients = {name: links[name] for name in parameters}
        parameters, state = OPTIMISERS[optimiser](parameters, gradients, state, learning_rate=0.02)


def divergence(
    steps: Iterator[tuple[dict[str, Tensor], dict[str, Tensor]]],
) -> tuple[int, Disagreement] | None:
    """The first step and link where autograd disagrees."""
    network = torch_reference.perceptron.sequential(WIDTHS, ACTIVATED)

    def reference(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        parameters = {name: tensors[name] for name in NETWORK.parameters}
        return torch_reference.perceptron.gradients(
            network, parameters, tensors["input"], tensors["targets"], LOSS, BACKWARDS
        )

    return first_divergence(steps, reference, longest_sum=8, operations=4 * OPERATIONS_PER_LAYER)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_right_derivation_never_diverges(dtype: torch.dtype) -> None:
    """For 25 steps of Adam, every link of every step."""
    assert divergence(training(25, dtype, "adam")) is None


@pytest.mark.parametrize("step", [0, 7, 11])
def test_a_mistake_is_found_at_its_step_and_link(step: int) -> None:
    """A derivative that is wrong by one in a million from step k on is found at step k, at the right link."""
    found = divergence(training(15, torch.float64, "gradient_descent", wrong_from=step))
    assert found is not None
    assert (found[0], found[1].name) == (step, "0.output")
