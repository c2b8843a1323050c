"""Checks where data enters: one clear line for input that would otherwise broadcast or fail later."""

import math
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

DTYPES = (torch.float32, torch.float64)


def check_names(names: Iterable[str], known: Sequence[str]) -> None:
    """Raise ValueError for a name that is not among the known ones, or that is given twice."""
    if isinstance(names, str):
        raise TypeError(f"expected a sequence of names such as ('w3',), found the single string {names!r}")
    seen: set[str] = set()
    for name in names:
        if name not in known:
            raise ValueError(f"unknown parameter {name!r}: the known ones are {', '.join(known)}")
        if name in seen:
            raise ValueError(f"parameter {name!r} is named twice")
        seen.add(name)


def check_choice(kind: str, name: str, known: Iterable[str]) -> None:
    """Raise ValueError for a name that is not in the table of its kind."""
    if name not in known:
        raise ValueError(f"unknown {kind} {name!r}: the known ones are {', '.join(known)}")


def check_range(name: str, value: int | float, lowest: int | float = 0.0, below: float = math.inf) -> None:
    """Raise ValueError unless lowest ≤ value < below."""
    # Written so that NaN fails too.
    if not lowest <= value < below:
        raise ValueError(f"{name} must be at least {lowest:g} and below {below:g}, found {value}")


def check_network(
    names: Sequence[str], parameters: Mapping[str, Tensor], inputs: Tensor, observed: Tensor
) -> None:
    """Raise ValueError or TypeError unless the parameters and the data fit each other.

    The textbook's formulas broadcast: (n, 1) minus (n) would silently give an SSR of n·n residuals.
    """
    check_names(parameters, names)
    missing = [name for name in names if name not in parameters]
    if missing:
        raise ValueError(f"missing parameter {', '.join(missing)}: all of {', '.join(names)} are needed")
    tensors = {**parameters, "inputs": inputs, "observed": observed}
    _check_types(tensors)
    _check_shapes(parameters, inputs, observed)


def _check_types(tensors: Mapping[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{name} must be a torch.Tensor, found {type(tensor).__name__}")
    dtype, device = tensors["inputs"].dtype, tensors["inputs"].device
    if dtype not in DTYPES:
        # Half precision is refused: its SSR overflows at a residual of 256, and no bound was derived for it.
        raise TypeError(f"the data must be torch.float32 or torch.float64, found {dtype}")
    for name, tensor in tensors.items():
        if tensor.dtype != dtype:
            raise TypeError(f"{name} must have the inputs' dtype {dtype}, found {tensor.dtype}")
        if tensor.device != device:
            raise ValueError(f"{name} must be on the inputs' device {device}, found {tensor.device}")


def _check_shapes(parameters: Mapping[str, Tensor], inputs: Tensor, observed: Tensor) -> None:
    if inputs.ndim == 0 or inputs.shape[-1] == 0:
        raise ValueError(
            f"inputs must have shape (*batch, n) with n of at least 1, found {tuple(inputs.shape)}"
        )
    if observed.shape != inputs.shape:
        raise ValueError(
            f"observed must have the inputs' shape {tuple(inputs.shape)}, found {tuple(observed.shape)}"
        )
    first, batch = next((name, tensor.shape) for name, tensor in parameters.items())
    for name, tensor in parameters.items():
        if tensor.shape != batch:
            raise ValueError(
                f"all parameters must have one shape: {first} has {tuple(batch)}, "
                f"{name} has {tuple(tensor.shape)}"
            )
    data_batch = inputs.shape[:-1]
    if batch and data_batch and batch != data_batch:
        raise ValueError(
            f"the batch of the parameters, {tuple(batch)}, and of the data, {tuple(data_batch)}, "
            "must be equal, or one of them ()"
        )
