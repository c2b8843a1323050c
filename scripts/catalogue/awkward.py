"""Right derivations at numerically awkward points: whoever refuses one raises a false alarm."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from catalogue.subject import Case, Subject, derivation

Network = tuple[nn.Module, Callable, Tensor, Tensor]


def _float32(model: nn.Module, loss: Callable, inputs: Tensor, targets: Tensor) -> Network:
    return model.float(), loss, inputs.float(), targets.float()


def _parameters(change: Callable[[Tensor], Tensor]) -> Callable[..., Network]:
    def changed(model: nn.Module, loss: Callable, inputs: Tensor, targets: Tensor) -> Network:
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(change(parameter))
        return model, loss, inputs, targets

    return changed


def _fitted(model: nn.Module, loss: Callable, inputs: Tensor, targets: Tensor) -> Network:
    """Targets that the network meets: the residuals cancel to rounding noise."""
    output = model(inputs).detach()
    return model, loss, inputs, output if targets.sum(1).ne(1).any() else torch.softmax(output, 1)


VARIANTS: dict[str, Callable[..., Network]] = {
    "as it is": lambda m, loss, x, t: (m, loss, x, t),
    "float32": _float32,
    "large inputs": lambda m, loss, x, t: (m, loss, x * 1e3, t),
    "large inputs in float32": lambda m, loss, x, t: _float32(m, loss, x * 1e3, t),
    "tiny inputs": lambda m, loss, x, t: (m, loss, x * 1e-12, t),
    "sizes from 1e-15 to 1e3 in one tensor": lambda m, loss, x, t: (
        m,
        loss,
        x * torch.logspace(-15, 3, x.numel(), dtype=x.dtype).reshape(x.shape),
        t,
    ),
    "inputs near 20": lambda m, loss, x, t: (m, loss, 20 + 1e-6 * x, t),
    "one observation": lambda m, loss, x, t: (m, loss, x[:1], t[:1]),
    "transposed memory": lambda m, loss, x, t: (m, loss, x.T.contiguous().T, t.T.contiguous().T),
    "cancelling residuals": _fitted,
    "cancelling residuals in float32": lambda m, loss, x, t: _fitted(*_float32(m, loss, x, t)),
    "zero inputs, at every kink": lambda m, loss, x, t: (m, loss, 0 * x, t),
    "zero weights": _parameters(torch.zeros_like),
    "large weights": _parameters(lambda weight: 50 * weight),
}
"""What makes it awkward -> the network at that point."""


def awkward_cases(subject: Subject) -> Iterator[Case]:
    """The subject's right derivation at every awkward point."""
    for name, variant in VARIANTS.items():
        yield Case(f"{subject.name}, {name}", variant(*subject.make()), derivation(subject))
