"""What one call of the forward pass made, as a formula, where that has no name of its own."""

from collections.abc import Callable
from typing import Any

import sympy

from torch_reference.chain.explanation.activation_rules import SIGMOID, SOFTPLUS
from torch_reference.chain.explanation.node_rules import SAME
from torch_reference.chain.explanation.norm_rules import MEAN
from torch_reference.chain.explanation.symbols import PRODUCT, SUM, turned

VALUES: dict[str, Callable[..., Any]] = {
    "Mul": lambda a, b: a * b,
    "Div": lambda a, b: a / b,
    "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Neg": lambda a: -a,
    "Exp": sympy.exp,
    "Log": sympy.log,
    "Sqrt": sympy.sqrt,
    "Rsqrt": lambda a: 1 / sympy.sqrt(a),
    "Sin": sympy.sin,
    "Cos": sympy.cos,
    "Tanh": sympy.tanh,
    "Tan": sympy.tan,
    "Atan": sympy.atan,
    "Asin": sympy.asin,
    "Acos": sympy.acos,
    "Erf": sympy.erf,
    "Sinh": sympy.sinh,
    "Cosh": sympy.cosh,
    "Sigmoid": SIGMOID,
    "Softplus": SOFTPLUS,
    "Relu": sympy.Function("relu"),
    "Abs": sympy.Abs,
    "Sum": SUM,
    "Mean": MEAN,
    "Softmax": sympy.Function("softmax"),
    "LogSoftmax": sympy.Function("log_softmax"),
    "Mm": PRODUCT,
    "T": turned,
    "Silu": lambda a: a * SIGMOID(a),
    "Gelu": sympy.Function("gelu"),
    **dict.fromkeys(SAME, lambda a: a),
}
"""By the values of the inputs."""
