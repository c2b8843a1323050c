"""Quadratics whose Hessian is known, for the tests of its largest eigenvalue and of its products."""

from collections.abc import Callable

import torch
from torch import Tensor

Tensors = dict[str, Tensor]

EPS = torch.finfo(torch.float64).eps


def generator(seed: int = 0) -> torch.Generator:
    """A generator of its own."""
    return torch.Generator().manual_seed(seed)


def quadratic(eigenvalues: list[float]) -> tuple[Callable[[Tensors], Tensors], Tensors, Tensor]:
    """The gradient of ½ θᵀ H θ (two names), a point, and H = V diag(λ) V with V of ±½: no rounding."""
    pair = torch.tensor([[1.0, 1.0], [1.0, -1.0]], dtype=torch.float64)
    basis = torch.kron(pair, pair) / 2
    hessian = basis @ torch.diag(torch.tensor(eigenvalues, dtype=torch.float64)) @ basis

    def gradient(parameters: Tensors) -> Tensors:
        slope = hessian @ torch.cat([parameters["a"], parameters["b"]])
        return {"a": slope[:1], "b": slope[1:]}

    point = torch.randn(4, generator=generator(6), dtype=torch.float64)
    return gradient, {"a": point[:1], "b": point[1:]}, hessian


def flat(tensors: Tensors) -> Tensor:
    """All numbers in a row."""
    return torch.cat([tensor.reshape(-1) for tensor in tensors.values()])
