"""Functions that are taken for one another: a derivative of the wrong one, or another one altogether."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

Elementwise = Callable[[Tensor], Tensor]


def itself(x: Tensor) -> Tensor:
    """Taken for the derivative."""
    return x


SLOPES: dict[str, Elementwise] = {
    "ReLU, which is 0 or 1": lambda x: (x > 0).to(x),
    "exp": torch.exp,
    "sigmoid, which is s(1 − s)": lambda x: torch.sigmoid(x) * torch.sigmoid(-x),
    "SoftPlus, which is sigmoid": torch.sigmoid,
    "SoftPlus, but 1/(1 + eˣ), of −x or without the inner eˣ": lambda x: torch.sigmoid(-x),
    "SoftPlus, but 1 + eˣ, which is inside the logarithm": lambda x: 1 + torch.exp(x),
    "tanh, which is 1 − tanh²": lambda x: 1 - torch.tanh(x) ** 2,
    "tanh, but 1 − tanh for 1 − tanh²": lambda x: 1 - torch.tanh(x),
    "the absolute value, which is the sign": torch.sign,
    "the square, but of the absolute value": lambda x: 2 * x.abs(),
    "the square, which is 2x": lambda x: 2 * x,
    "the square, but x² itself": lambda x: x * x,
    "the square, but 2x²": lambda x: 2 * x * x,
    "the square, but |x|": torch.abs,
    "the cube, which is 3x²": lambda x: 3 * x * x,
    "sin": torch.cos,
    "cos": lambda x: -torch.sin(x),
    "cos, without its sign": torch.sin,
    "log": lambda x: 1 / x,
    "the square root": lambda x: 0.5 / x.sqrt(),
    "1/x": lambda x: -1 / (x * x),
    "x itself, taken for the derivative": itself,
}
"""Whose derivative, and what it is at x."""

OUTPUT_SLOPES: dict[str, Elementwise] = {
    "sigmoid at its output, y(1 − y)": lambda y: y * (1 - y),
    "tanh at its output, 1 − y²": lambda y: 1 - y * y,
    "tanh at its output, but 1 − y for 1 − y²": lambda y: 1 - y,
    "y itself, the output, taken for the derivative": itself,
}
"""The same, as functions of the output y."""

VALUES: dict[str, Elementwise] = {
    "ReLU": torch.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "exp": torch.exp,
    "SoftPlus": torch.nn.functional.softplus,
    "SoftPlus of −x": lambda x: torch.nn.functional.softplus(-x),
    "1 + exp": lambda x: 1 + torch.exp(x),
    "the identity": lambda x: x,
}
"""What may be computed in place of another elementwise function."""

BASES = {10: 1 / math.log(10), 2: 1 / math.log(2)}
"""What a logarithm to another base has in place of the natural one."""
LOGARITHMIC = {"softplus", "log", "log1p", "logaddexp", "log_softmax", "logsigmoid"}
