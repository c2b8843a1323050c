"""A case of a perceptron: its hand-derived network, and how a gradient of it compares with autograd's."""

from collections.abc import Mapping

import torch
from torch import Tensor

import torch_reference.networks.perceptron
from manual_backprop.networks import perceptron
from manual_backprop.networks.perceptron import Perceptron
from strategies_layers import PerceptronCase, make_perceptron_case
from torch_reference.tolerance.agreement import Disagreement, disagreements


def network_of(case: PerceptronCase) -> Perceptron:
    """The hand-derived network of a case."""
    return perceptron.perceptron(case.widths, case.activations)


def compared(case: PerceptronCase, actual: Mapping[str, Tensor]) -> list[Disagreement]:
    """Where a gradient with respect to all parameters and intermediates disagrees with autograd's."""
    network = torch_reference.networks.perceptron.sequential(case.widths, case.activations)

    def reference(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        parameters = {name: tensors[name] for name in case.parameters}
        return torch_reference.networks.perceptron.gradients(
            network, parameters, tensors["input"], tensors["targets"], case.loss, tuple(actual)
        )

    tensors = {**case.parameters, "input": case.inputs, "targets": case.targets}
    return disagreements(actual, reference, tensors)


def small_case(loss: str = "cross_entropy_mean", dtype: torch.dtype = torch.float64) -> PerceptronCase:
    """Two layers with a ReLU between, and three rows."""
    return make_perceptron_case((4, 5, 3), ("relu", None), loss, 3, dtype, seed=1)
