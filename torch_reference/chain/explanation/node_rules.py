"""What one call of the forward pass hands back, as a formula: a rule for each kind of node of the graph."""

from collections.abc import Callable
from typing import Any

import sympy

from torch_reference.chain.explanation.activation_rules import SLOPES
from torch_reference.chain.explanation.loss_rules import (
    cross_entropy_of_logits,
    cross_entropy_of_probabilities,
    negative_log_likelihood,
    squared_error,
)
from torch_reference.chain.explanation.node_step import Step, numel, shape_of
from torch_reference.chain.explanation.norm_rules import (
    batch_norm,
    deviation,
    largest,
    layer_norm,
    log_softmax,
    softmax,
    variance,
)
from torch_reference.chain.explanation.selection_rules import (
    FLIPPED,
    chosen,
    larger,
    part,
    scattered,
    smaller,
    transposed,
    triangle,
    unmasked,
)
from torch_reference.chain.explanation.symbols import PRODUCT, turned

FROM_HERE_ON = sympy.Function("sum_from_here_on")
Rule = Callable[[Step], Any]


def _slope(derivative: Callable[[Step], Any]) -> Rule:
    """Of an elementwise function: its derivative, by the argument or the result."""
    return lambda step: step.upstream * derivative(step)


def _divided(step: Step) -> Any:
    """By the rule of quotients.

    Errors: ValueError for one that is rounded
    """
    if getattr(step.node, "_saved_rounding_mode", None) is not None:
        raise ValueError("rounded")
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
        return PRODUCT(step.upstream, turned(step.value(first + 1)))
    return PRODUCT(turned(step.value(first)), step.upstream)


def _added_product(step: Step) -> Any:
    """Of bias + a b.

    Errors: ValueError for one that is weighted
    """
    if (step.node._saved_alpha, step.node._saved_beta) != (1, 1):
        raise ValueError("weighted")
    return step.upstream if step.argument == 0 else _product(step, first=1)


def _inverse(step: Step) -> Any:
    turned_back = turned(step.result)
    return -PRODUCT(PRODUCT(turned_back, step.upstream), turned_back)


def _length(step: Step) -> Any:
    """Of the root of the sum of squares, or the sum of absolute values.

    Errors: ValueError for another norm
    """
    order = step.node._saved_ord
    if order not in (1, 2):
        raise ValueError("another norm")
    return step.upstream * (step.x / step.result if order == 2 else sympy.sign(step.x))


def _mean(step: Step) -> Any:
    count = numel(step.node._saved_self_sym_sizes) / numel(shape_of(step.node))
    return step.upstream / sympy.nsimplify(count)


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
    **{name: _slope(derivative) for name, derivative in SLOPES.items()},
    "Expm1": _slope(lambda step: 1 + step.result),
    "Log2": _slope(lambda step: 1 / (step.x * sympy.log(2))),
    "Log10": _slope(lambda step: 1 / (step.x * sympy.log(10))),
    "Exp2": _slope(lambda step: step.result * sympy.log(2)),
    "Asin": _slope(lambda step: 1 / sympy.sqrt(1 - step.x**2)),
    "Acos": _slope(lambda step: -1 / sympy.sqrt(1 - step.x**2)),
    "Sinh": _slope(lambda step: sympy.cosh(step.x)),
    "Cosh": _slope(lambda step: sympy.sinh(step.x)),
    "Tan": _slope(lambda step: 1 + step.result**2),
    "Atan": _slope(lambda step: 1 / (1 + step.x**2)),
    "Erf": _slope(lambda step: 2 * sympy.exp(-(step.x**2)) / sympy.sqrt(sympy.pi)),
    "Logsumexp": lambda step: step.upstream * sympy.exp(step.x - step.result),
    "Abs": _slope(lambda step: sympy.sign(step.x)),
    "Sum": _same,
    "Mean": _mean,
    "Mm": _product,
    "Mv": _product,
    "Bmm": _product,
    "Dot": lambda step: step.upstream * step.other,
    "Addmm": _added_product,
    "T": lambda step: turned(step.upstream),
    **dict.fromkeys(("Transpose", "Permute"), transposed),
    "LinalgInvEx": _inverse,
    "LinalgVectorNorm": _length,
    "Prod": lambda step: step.upstream * step.result / step.x,
    "Where": chosen,
    "MaskedFill": unmasked,
    "Maximum": larger,
    "Minimum": smaller,
    **dict.fromkeys(("Cat", "Stack"), part),
    **dict.fromkeys(("Index", "IndexSelect", "Gather", "Embedding", "Select", "Slice"), scattered),
    **dict.fromkeys(("Tril", "Triu"), triangle),
    "Flip": lambda step: FLIPPED(step.upstream),
    "Var": variance,
    "Std": deviation,
    "Amax": largest,
    "Max": largest,
    "Cumsum": lambda step: FROM_HERE_ON(step.upstream),
    "Softmax": softmax,
    "LogSoftmax": log_softmax,
    "NativeLayerNorm": layer_norm,
    "NativeBatchNorm": batch_norm,
    "MseLoss": squared_error,
    "BinaryCrossEntropyWithLogits": cross_entropy_of_logits,
    "BinaryCrossEntropy": cross_entropy_of_probabilities,
    "NllLoss": negative_log_likelihood,
    **dict.fromkeys(SAME, _same),
}
