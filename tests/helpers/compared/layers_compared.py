"""A case of a layer or of a loss: what the hand-derived one makes of it, compared with torch's."""

from collections.abc import Mapping

from torch import Tensor

import torch_reference.layers.table
import torch_reference.losses.table
from manual_backprop.layers.layer import Layer
from manual_backprop.losses.table import Loss
from strategies_layers import Case, LossCase
from torch_reference.tolerance.agreement import Disagreement, disagreements


def by_hand(layer: Layer, case: Case) -> dict[str, Tensor]:
    """Output and gradients by the hand-derived layer."""
    output, saved = forward(layer, case)
    return {"output": output, **layer.backward(saved, case.tensors["d_loss_d_output"])}


def forward(layer: Layer, case: Case) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The hand-derived forward pass of a case."""
    parameters = {name: case.tensors[name] for name in layer.parameters}
    return layer.forward(parameters, case.tensors["input"], **case.options)


def layer_disagreements(layer: Layer, case: Case) -> list[Disagreement]:
    """Where the hand-derived layer disagrees with torch.nn and autograd."""

    def reference(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return torch_reference.layers.table.layer_gradients(
            case.layer,
            tensors,
            tensors["d_loss_d_output"],
            tuple(layer.derivatives),
            **case.reference_options,
        )

    return disagreements(by_hand(layer, case), reference, case.tensors)


def loss_disagreements(loss: Loss, case: LossCase) -> list[Disagreement]:
    """Where the hand-derived loss disagrees with torch.nn and autograd."""

    def reference(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return torch_reference.losses.table.loss_gradients(
            case.loss, tensors["predicted"], tensors["targets"]
        )

    value, saved = loss.forward(case.predicted, case.targets)
    by_hand = {"loss": value, "predicted": loss.d_loss_d_predicted(saved)}
    tensors = {"predicted": case.predicted, "targets": case.targets}
    # The loss itself is the longest sum: over all elements.
    return disagreements(by_hand, reference, tensors)
