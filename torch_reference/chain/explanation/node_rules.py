"""What one call of the forward pass hands back, as a formula: a rule for each kind of node of the graph."""

from collections.abc import Callable
from typing import Any, NamedTuple

import sympy

from torch_reference.chain.explanation.symbols import PRODUCT, SUM, TURNED, WHERE


class Step(NamedTuple):
    """One argument of one node: the gradient that comes from above, and the node itself.

    value gives the expression of an input, by its place, and made that of the result: they are looked up only
    where a rule reads them, for not every value has a name.
    """

    upstream: Any
    value: Callable[[int], Any]
    made: Callable[[], Any]
    argument: int
    node: Any

    @property
    def x(self) -> Any:
        """The argument itself."""
        return self.value(self.argument)

    @property
    def other(self) -> Any:
        """The other one of two."""
        return self.value(1 - self.argument)

    @property
    def result(self) -> Any:
        """What the node made."""
        return self.made()


Rule = Callable[[Step], Any]


def _slope(derivative: Callable[[Step], Any]) -> Rule:
    """Of an elementwise function: its derivative, by the argument or the result."""
    return lambda step: step.upstream * derivative(step)


def _divided(step: Step) -> Any:
    if step.argument == 0:
        return step.upstream / step.other
    return -step.upstream * step.other / step.x**2


def _power(step: Step) -> Any:
    exponent = sympy.nsimplify(step.node._saved_exponent)
    if not exponent.is_integer and step.result.is_Symbol:  # what is under a root is not negative
        return step.upstream * exponent * step.result ** ((exponent - 1) / exponent)
    return step.upstream * exponent * step.x ** (exponent - 1)


def _product(step: Step, first: int = 0) -> Any:
    if step.argument == first:
        return PRODUCT(step.upstream, TURNED(step.value(first + 1)))
    return PRODUCT(TURNED(step.value(first)), step.upstream)


def _added_product(step: Step) -> Any:
    """Of bias + a b.

    Errors: ValueError for one that is weighted
    """
    if (step.node._saved_alpha, step.node._saved_beta) != (1, 1):
        raise ValueError("weighted")
    return step.upstream if step.argument == 0 else _product(step, first=1)


def _mean(step: Step) -> Any:
    count = _numel(step.node._saved_self_sym_sizes) / _numel(_shape(step.node))
    return step.upstream / sympy.nsimplify(count)


def _softmax(step: Step) -> Any:
    return step.result * (step.upstream - SUM(step.upstream * step.result))


def _log_softmax(step: Step) -> Any:
    return step.upstream - sympy.exp(step.result) * SUM(step.upstream)


def _layer_norm(step: Step) -> Any:
    """Of input, gain and bias: the two averages of what comes back to the normalised values."""
    h = sympy.Symbol("normalised")
    if step.argument == 1:
        return SUM(step.upstream * h)
    if step.argument == 2:
        return SUM(step.upstream)
    given = step.upstream * step.value(1)
    count = _numel(step.node._saved_normalized_shape)
    return sympy.Symbol("rstd") * (given - SUM(given) / count - h * SUM(given * h) / count)


def _numel(sizes: Any) -> int:
    found = 1
    for size in sizes:
        found *= int(size)
    return found


def _shape(node: Any) -> tuple[int, ...]:
    return tuple(node._input_metadata[0].shape)


def _same(step: Step) -> Any:
    return step.upstream


SAME = ("View", "UnsafeView", "Clone", "Alias", "Expand", "Squeeze", "Unsqueeze", "ToCopy")
"""What changes the shape alone, or nothing."""
RULES: dict[str, Rule] = {
    "Mul": lambda step: step.upstream * step.other,
    "Div": _divided,
    "Add": _same,
    "Sub": lambda step: -step.upstream if step.argument == 1 else step.upstream,
    "Rsub": lambda step: -step.upstream if step.argument == 0 else step.upstream,
    "Neg": lambda step: -step.upstream,
    "Pow": _power,
    "Exp": _slope(lambda step: step.result),
    "Log": _slope(lambda step: 1 / step.x),
    "Log1P": _slope(lambda step: 1 / (1 + step.x)),
    "Sqrt": _slope(lambda step: 1 / (2 * step.result)),
    "Rsqrt": _slope(lambda step: -(step.result**3) / 2),
    "Reciprocal": _slope(lambda step: -(step.result**2)),
    "Sin": _slope(lambda step: sympy.cos(step.x)),
    "Cos": _slope(lambda step: -sympy.sin(step.x)),
    "Tanh": _slope(lambda step: 1 - step.result**2),
    "Sigmoid": _slope(lambda step: step.result * (1 - step.result)),
    "Softplus": _slope(lambda step: sympy.Function("sigmoid")(step.x)),
    "Relu": _slope(lambda step: WHERE(step.x)),
    "Abs": _slope(lambda step: sympy.sign(step.x)),
    "Sum": _same,
    "Mean": _mean,
    "Mm": _product,
    "Mv": _product,
    "Bmm": _product,
    "Dot": lambda step: step.upstream * step.other,
    "Addmm": _added_product,
    "T": lambda step: TURNED(step.upstream),
    "Softmax": _softmax,
    "LogSoftmax": _log_softmax,
    "NativeLayerNorm": _layer_norm,
    **dict.fromkeys(
        ("View", "UnsafeView", "Clone", "Alias", "Expand", "Squeeze", "Unsqueeze", "ToCopy"), _same
    ),
}


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
    "Sigmoid": sympy.Function("sigmoid"),
    "Softplus": sympy.Function("softplus"),
    "Relu": sympy.Function("relu"),
    "Abs": sympy.Abs,
    "Sum": SUM,
    "Softmax": sympy.Function("softmax"),
    "LogSoftmax": sympy.Function("log_softmax"),
    "Mm": PRODUCT,
    "T": TURNED,
    **dict.fromkeys(
        ("View", "UnsafeView", "Clone", "Alias", "Expand", "Squeeze", "Unsqueeze", "ToCopy"), lambda a: a
    ),
}
"""The same calls forwards: of what has no name of its own."""
