"""An optimiser by hand and torch's, in lockstep on the same gradients."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from manual_backprop.optimisers.table import OPTIMISERS, adam, adamw, gradient_descent
from torch_reference.optimisers import table as witness

STEPS = 300


# A vector of the processor and a rest, in both dtypes at once; a scalar; nothing at all.
TENSORS = {
    "0.weight": ((4, 5), torch.float64),
    "1.weight": ((4, 5), torch.float32),
    "scalar": ((), torch.float64),
    "empty": ((0, 2), torch.float32),
}


# Name -> the optimiser by hand, torch's, and the settings of each; every one of the table with its defaults.
PAIRS: dict[str, tuple[Callable[..., Any], type[torch.optim.Optimizer], dict[str, Any]]] = {
    **{name: (OPTIMISERS[name], witness.OPTIMISERS[name], {}) for name in OPTIMISERS},
    "weight decay": (gradient_descent, torch.optim.SGD, {"weight_decay": 0.01}),
    "dampening without momentum": (gradient_descent, torch.optim.SGD, {"dampening": 0.5}),
    "momentum": (gradient_descent, torch.optim.SGD, {"momentum": 0.9}),
    "momentum, dampening": (gradient_descent, torch.optim.SGD, {"momentum": 0.9, "dampening": 0.3}),
    "momentum, weight decay": (gradient_descent, torch.optim.SGD, {"momentum": 0.9, "weight_decay": 0.1}),
    "Nesterov": (gradient_descent, torch.optim.SGD, {"momentum": 0.8, "nesterov": True}),
    "Nesterov, weight decay": (
        gradient_descent,
        torch.optim.SGD,
        {"momentum": 0.8, "nesterov": True, "weight_decay": 0.02},
    ),
    "Adam, weight decay": (adam, torch.optim.Adam, {"weight_decay": 0.05}),
    "Adam, other betas": (adam, torch.optim.Adam, {"betas": (0.5, 0.9), "epsilon": 1e-3}),
    "Adam, betas of 0": (adam, torch.optim.Adam, {"betas": (0.0, 0.0)}),
    "AdamW, decay": (adamw, torch.optim.AdamW, {"weight_decay": 0.3}),
}


def draw_tensors(generator: torch.Generator) -> dict[str, Tensor]:
    """Tensors of all shapes, of sizes from 1e-6 to 1e3."""
    size = 10 ** (9 * torch.rand((), generator=generator) - 6)
    return {
        name: (torch.randn(shape, dtype=dtype, generator=generator) * size).to(dtype)
        for name, (shape, dtype) in TENSORS.items()
    }


def lockstep(pair: str, seed: int, optimiser: Callable[..., Any] | None = None) -> None:
    """Assert that both sides have the same bits after every step, from the same start and gradients."""
    by_hand, by_torch, settings = PAIRS[pair]
    generator = torch.Generator().manual_seed(seed)
    parameters = draw_tensors(generator)
    reference = {name: torch.nn.Parameter(tensor.clone()) for name, tensor in parameters.items()}
    torch_settings = {witness.SETTINGS.get(name, name): value for name, value in settings.items()}
    torch_optimiser = by_torch(reference.values(), lr=0.01, foreach=False, **torch_settings)  # type: ignore[call-arg]
    state: Mapping[str, Any] = {}
    for step in range(STEPS):
        gradients = draw_tensors(generator)
        if step % 7 == 3:
            # A parameter may have no gradient for a step: its memory waits.
            del gradients["1.weight"]
        for name, parameter in reference.items():
            parameter.grad = gradients[name].clone() if name in gradients else None
        torch_optimiser.step()
        parameters, state = (optimiser or by_hand)(
            parameters, gradients, state, learning_rate=0.01, **settings
        )
        for name, parameter in reference.items():
            assert torch.equal(parameters[name], parameter.detach()), f"{name} at step {step}"
    for name, memory in state.items():
        for part, value in memory._asdict().items():
            expected = torch_optimiser.state[reference[name]][witness.MEMORIES.get(part, part)]
            assert torch.equal(torch.as_tensor(value, dtype=expected.dtype), expected), f"{part} of {name}"
