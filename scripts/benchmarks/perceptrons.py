"""The gradient of a perceptron with respect to every parameter: against autograd on the nn.Sequential."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call

import torch_reference.networks.perceptron
from benchmarks.contest import Contest, Contestant
from manual_backprop.fast import perceptron_gradient as fast_perceptron
from manual_backprop.networks import perceptron
from torch_reference.tolerance.agreement import disagreements

SMALL = ((64, 64, 10), 128, "cross_entropy_mean")
LARGE = ((1024, 4096, 1024), 256, "mean_squared_error")
TORCH_LOSSES = {
    "cross_entropy_mean": nn.functional.cross_entropy,
    "mean_squared_error": nn.functional.mse_loss,
}


def contest(large: bool, dtype: torch.dtype, device: torch.device) -> Contest:
    """64-64-10 on 128 rows, or 1024-4096-1024 on 256 rows, with ReLU between."""
    widths, rows, loss = LARGE if large else SMALL
    generator = torch.Generator().manual_seed(0)
    network = perceptron.perceptron(widths, ("relu", None))
    parameters = {
        name: value.to(device)
        for name, value in perceptron.initial_parameters(network, generator, dtype).items()
    }
    inputs = torch.randn(rows, widths[0], dtype=dtype, generator=generator).to(device)
    targets = (
        torch.randn(rows, widths[-1], dtype=dtype, generator=generator)
        if large
        else torch.randint(widths[-1], (rows,), generator=generator)
    ).to(device)
    model = torch_reference.networks.perceptron.sequential(widths, ("relu", None)).to(device, dtype)
    model.load_state_dict(parameters)

    def autograd() -> dict[str, Tensor]:
        model.zero_grad()
        TORCH_LOSSES[loss](model(inputs), targets).backward()
        return {name: value.grad for name, value in model.named_parameters() if value.grad is not None}

    functional = torch.func.grad(
        lambda free: TORCH_LOSSES[loss](functional_call(model, free, (inputs,)), targets)
    )
    gradients = fast_perceptron.Gradients(network, loss)
    held: dict[str, Tensor] = {}
    size = sum(value.numel() for value in parameters.values())

    def ours() -> dict[str, Tensor]:
        """A large gradient is written over that of the last step, as a training loop may do."""
        if not large:
            return gradients(parameters, inputs, targets)
        held.update(gradients(parameters, inputs, targets, out=held or None))
        return held

    def plain() -> dict[str, Tensor]:
        return perceptron.gradients(network, parameters, inputs, targets, loss)

    def check() -> None:
        """Within what rounding explains, by the rule for networks without a derived bound."""
        if large:  # the rule asks for a dozen gradients in float64: the small network stands for both
            theirs = autograd()
            for gradient in (ours(), plain()):
                torch.testing.assert_close(gradient, theirs)
            return
        tensors = {**parameters, "input": inputs, "targets": targets}

        def reference(given: Mapping[str, Tensor]) -> dict[str, Tensor]:
            own = {name: given[name] for name in parameters}
            return torch_reference.networks.perceptron.gradients(
                model, own, given["input"], given["targets"], loss
            )

        for gradient in (ours(), plain()):
            assert disagreements(gradient, reference, tensors) == []

    return Contest(
        name=f"perceptron-{'-'.join(map(str, widths))}",
        title=f"gradient of a {'-'.join(map(str, widths))} perceptron, batch {rows}",
        size=size,
        ours=Contestant("manual_backprop.fast.perceptron_gradient", ours),
        peers=[
            Contestant("plain derivation", plain),
            Contestant("autograd eager", autograd),
            Contestant("torch.func.grad", lambda: functional(parameters)),
        ],
        goals={"autograd eager": 1.05 if large else 2.0},
        check=check,
    )
