"""A few numbers by a kernel and by the plain derivation, before the kernel is used: the same to rounding.

What a compiler, its options or a library get wrong is far from right, or right except where it is hard: NaN,
infinities, subnormal numbers, rows and columns that fill no vector. So each of these is asked.
"""

import ctypes
import math

import torch
from torch import Tensor

from manual_backprop.fast.kernels.plain_tensors import addresses_of
from manual_backprop.fast.seven_parameters import ARE_ALL, COLUMNS
from manual_backprop.lesson import gradient, network
from manual_backprop.networks import perceptron

ROUNDINGS = 200
"""How far a sum of some dozens of terms may be off, in units of eps; what is wrong is further off."""

LESSON = {"w1": 1.3, "b1": -0.4, "w2": -0.9, "b2": 0.7, "w3": 0.8, "w4": 1.7, "b3": 0.35}
"""In the order in which the kernel takes them. With inputs above 0, and observations far above what is
predicted, no sum cancels."""

N = 21
"""Observations: they fill some vectors, and part of one."""


class WrongNumbersError(RuntimeError):
    """A kernel does not give what the plain derivation gives."""


def check_numbers(kernel: ctypes.CDLL, dtype: torch.dtype) -> None:
    """Raise WrongNumbersError unless the kernel gives what the plain derivation gives.

    Everything is made on the CPU, whatever the caller's default device is.
    """
    # A network that was given more parameters is not the kernel's, and is never handed to it.
    if ARE_ALL:
        _check_lesson(kernel, dtype)
        if dtype is torch.float64:
            _check_triangles(kernel)
    _check_perceptron(kernel, dtype)


def _check_lesson(kernel: ctypes.CDLL, dtype: torch.dtype) -> None:
    """Six networks: with ordinary numbers, subnormal activations, and infinities and NaN in two places."""
    tiny, close = (-730.0, 1e-3) if dtype is torch.float64 else (-95.0, 1e-2)
    values = torch.tensor(list(LESSON.values()), dtype=dtype, device="cpu").repeat(6, 1)
    values[1, 0], values[1, 1], values[2, 1], values[3, 1] = 0, tiny, math.inf, math.nan
    inputs = torch.tensor([0.1 + 1.9 * i for i in range(N)], dtype=dtype, device="cpu").repeat(6, 1)
    observed = inputs + 100
    observed[4, -1], observed[5, -1] = math.inf, math.nan
    rows = torch.empty(6, 2, len(COLUMNS), dtype=dtype, device="cpu")
    for one in range(6):
        data = inputs[one].data_ptr(), observed[one].data_ptr()
        kernel.gradients(addresses_of(values[one].unbind()), *data, N, 16, 1, rows[one].data_ptr())
    plain = gradient.gradients(dict(zip(LESSON, values.unbind(-1), strict=True)), inputs, observed, COLUMNS)
    found, expected = rows.sum(1), torch.stack([plain[name] for name in COLUMNS], -1)
    # Subnormal numbers have a few digits only, and torch's sigmoid takes their derivatives for 0.
    _compare("the lesson's gradient", found[1, :3], expected[1, :3], close)
    found[1], expected[1] = 0, 0
    _compare("the lesson's gradient", found, expected, ROUNDINGS * torch.finfo(dtype).eps)


def _check_triangles(kernel: ctypes.CDLL) -> None:
    """RᵀR = AᵀA, both of 300 observations, in two blocks."""
    parameters = {
        name: torch.tensor(value, dtype=torch.float64, device="cpu") for name, value in LESSON.items()
    }
    inputs = torch.linspace(0.1, 3, 300, dtype=torch.float64, device="cpu")
    trace = network.forward(parameters, inputs, inputs + 2)
    rows = torch.stack([trace.y1, trace.y2, torch.ones_like(inputs), trace.observed])
    parts = torch.empty(2, 4, 4, dtype=torch.float64, device="cpu")
    hidden = addresses_of(list(parameters.values())[:4])
    data = inputs.data_ptr(), trace.observed.data_ptr()
    kernel.triangles(hidden, *data, 0, len(inputs), 256, parts.data_ptr())
    kernel.merge(parts.data_ptr(), 2)
    _compare("the triangle", parts[0].mT @ parts[0], rows @ rows.mT, 1e-10)


def _check_perceptron(kernel: ctypes.CDLL, dtype: torch.dtype) -> None:
    """Both kinds of loss, with widths that fill no vector and no panel; then with a NaN among the inputs."""
    inputs, observed = _waves(5, 3, dtype=dtype), _waves(5, 17, dtype=dtype)
    classes = torch.tensor([3, 16, 0, 9, 9], device="cpu")
    _check_network(kernel, (3, 9, 17), "cross_entropy_sum", inputs, classes)
    _check_network(kernel, (3, 17), "ssr", inputs, observed)
    inputs[1, 1] = math.nan  # which neither ReLU nor the shares may lose
    _check_network(kernel, (3, 9, 17), "cross_entropy_sum", inputs, classes)


def _check_network(
    kernel: ctypes.CDLL, widths: tuple[int, ...], loss: str, inputs: Tensor, targets: Tensor
) -> None:
    dtype, layers = inputs.dtype, len(widths) - 1
    small = perceptron.perceptron(widths, (*["relu"] * (layers - 1), None))
    parameters = {name: _waves(*shape, dtype=dtype) for name, shape in small.shapes.items()}
    plain = perceptron.gradients(small, parameters, inputs, targets, loss)
    found = [torch.empty_like(value) for value in plain.values()]
    of_targets = (targets.data_ptr(), None) if loss == "ssr" else (None, targets.data_ptr())
    network = (ctypes.c_long * len(widths))(*widths), layers, addresses_of(list(parameters.values()))
    if kernel.perceptron(*network, inputs.data_ptr(), *of_targets, 1.0, len(inputs), addresses_of(found)):
        raise WrongNumbersError("the compiled perceptron refuses what is right")
    one, other = (torch.cat([value.flatten() for value in values]) for values in (found, plain.values()))
    rounding = ROUNDINGS * torch.finfo(dtype).eps
    _compare(
        "the perceptron's gradient", one, other, rounding, rounding * other.nan_to_num().abs().max().item()
    )


def _waves(*shape: int, dtype: torch.dtype) -> Tensor:
    """Numbers from -1 to 1 of which no two are alike."""
    count = math.prod(shape)
    numbers = [math.sin(0.7 * i + count) for i in range(count)]
    return torch.tensor(numbers, dtype=dtype, device="cpu").reshape(shape)


def _compare(what: str, found: Tensor, plain: Tensor, relative: float, absolute: float = 0.0) -> None:
    """A NaN is a NaN, and an infinity that infinity."""
    if not torch.allclose(found, plain, relative, absolute, equal_nan=True):
        raise WrongNumbersError(f"{what} by the compiled kernel is not that of the plain derivation")
