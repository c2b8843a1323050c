"""The derivatives of activations that torch has as one operation: with their constants as they were given."""

from collections.abc import Callable
from typing import Any

import sympy

from torch_reference.chain.explanation.node_step import Step
from torch_reference.chain.explanation.symbols import WHERE

LARGEST = 10_000
SIGMOID, SOFTPLUS = sympy.Function("sigmoid"), sympy.Function("softplus")


def exact(number: float) -> Any:
    """As a fraction, unless that is longer than the number."""
    found = sympy.nsimplify(number, rational=True)
    return found if found.q <= LARGEST else sympy.Float(number, 12)


def _softplus(step: Step) -> Any:
    return SIGMOID(exact(step.node._saved_beta) * step.x)


def _leaky(step: Step) -> Any:
    slope = exact(step.node._saved_negative_slope)
    return slope + (1 - slope) * WHERE(step.x)


def _elu(step: Step) -> Any:
    """Of ELU and SELU: scale · x, or scale · α (exp(x) − 1) below zero."""
    node, x = step.node, step.x
    alpha, scale, inner = (
        exact(one) for one in (node._saved_alpha, node._saved_scale, node._saved_input_scale)
    )
    return scale * (WHERE(x) + WHERE(-x) * alpha * inner * sympy.exp(inner * x))


def _celu(step: Step) -> Any:
    return WHERE(step.x) + WHERE(-step.x) * sympy.exp(step.x / exact(step.node._saved_alpha))


def _gelu(step: Step) -> Any:
    """Of x Φ(x), with the error function or its approximation by tanh."""
    x = step.x
    if step.node._saved_approximate == "none":
        inner = (1 + sympy.erf(x / sympy.sqrt(2))) / 2
        return inner + x * sympy.exp(-(x**2) / 2) / sympy.sqrt(2 * sympy.pi)
    cubic = sympy.Float("0.044715")
    bent = sympy.tanh(sympy.sqrt(2 / sympy.pi) * (x + cubic * x**3))
    return (1 + bent) / 2 + x * (1 - bent**2) * sympy.sqrt(2 / sympy.pi) * (1 + 3 * cubic * x**2) / 2


def _mish(step: Step) -> Any:
    bent = sympy.tanh(SOFTPLUS(step.x))
    return bent + step.x * SIGMOID(step.x) * (1 - bent**2)


def _between(step: Step, low: Any, high: Any) -> Any:
    """1 where the argument is between both, 0 elsewhere; None is no bound."""
    found = sympy.Integer(1)
    if low is not None:
        found *= WHERE(step.x - exact(low))
    return found if high is None else found * WHERE(exact(high) - step.x)


def _hardswish(step: Step) -> Any:
    above, inside = WHERE(step.x - 3), WHERE(step.x + 3) * WHERE(3 - step.x)
    return above + inside * (2 * step.x + 3) / 6


SLOPES: dict[str, Callable[[Step], Any]] = {
    "Softplus": _softplus,
    "Relu": lambda step: WHERE(step.x),
    "Silu": lambda step: SIGMOID(step.x) * (1 + step.x * (1 - SIGMOID(step.x))),
    "Gelu": _gelu,
    "LeakyRelu": _leaky,
    "Elu": _elu,
    "Celu": _celu,
    "Mish": _mish,
    "LogSigmoid": lambda step: 1 - SIGMOID(step.x),
    "Hardtanh": lambda step: _between(step, step.node._saved_min_val, step.node._saved_max_val),
    "Clamp": lambda step: _between(step, step.node._saved_min, step.node._saved_max),
    "Hardsigmoid": lambda step: _between(step, -3, 3) / 6,
    "Hardswish": _hardswish,
}
