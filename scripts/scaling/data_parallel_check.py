"""Whether the gradient of several processes is DistributedDataParallel's on the same rows."""

import argparse
from collections.abc import Mapping

import torch
from torch import Tensor

import torch_reference.lockstep.distributed
import torch_reference.networks.perceptron
from manual_backprop.networks.perceptron import Perceptron
from ranks.joining import Ranks
from scaling.data_parallel_gradient import loss_and_gradients
from torch_reference.tolerance.agreement import disagreements


def disagreement(
    options: argparse.Namespace,
    network: Perceptron,
    parameters: Mapping[str, Tensor],
    batch: Tensor,
    ranks: Ranks,
) -> str | None:
    """The first parameter whose gradient is not DDP's, or not autograd's in one process; None if all are.

    The tolerance is how far rounding can move autograd's gradient of the whole batch, which the first process
    alone works out.
    """
    mine = batch[ranks.rank :: ranks.size]
    inputs, targets = mine[:, : options.widths[0]], mine[:, options.widths[0] :]
    activations = [options.activation] * (len(options.widths) - 2) + [None]
    _, manual = loss_and_gradients(network, parameters, inputs, targets, ranks)
    witnesses = {"manual": manual}
    if ranks.size > 1:
        witnesses["DistributedDataParallel"] = torch_reference.lockstep.distributed.gradients(
            options.widths, activations, parameters, inputs, targets
        )
    found = None
    if ranks.rank == 0:
        model = torch_reference.networks.perceptron.sequential(options.widths, activations)

        def reference(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
            own = {name: tensors[name] for name in parameters}
            return torch_reference.networks.perceptron.gradients(
                model, own, tensors["inputs"], tensors["targets"]
            )

        whole = {"inputs": batch[:, : options.widths[0]], "targets": batch[:, options.widths[0] :]}
        for who, gradient in witnesses.items():
            wrong = disagreements(gradient, reference, {**parameters, **whole})
            if wrong and not found:
                found = f"{who}, {wrong[0]}"
    if ranks.size > 1:  # every process ends with the same status
        verdict = torch.tensor([float(found is not None)], device=batch.device)
        torch.distributed.broadcast(verdict, 0)
        found = found or ("as the first process says" if verdict.item() else None)
    return found
