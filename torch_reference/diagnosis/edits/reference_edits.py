"""The mistakes that a derivation can make at one call of the forward pass."""

from collections.abc import Collection, Iterator, Sequence

from torch import Tensor

from torch_reference.diagnosis.edits import wrong_derivatives as wrong
from torch_reference.diagnosis.edits.editor import Call, Edit
from torch_reference.diagnosis.edits.naming import Named, operand
from torch_reference.diagnosis.edits.wrong_derivatives import Wrong
from torch_reference.judging.calls.points import UPSTREAM

# fmt: off
ELEMENTWISE = {
    "softplus", "sigmoid", "tanh", "relu", "leaky_relu", "relu6", "gelu", "silu", "mish", "elu", "selu",
    "celu", "softsign", "hardtanh", "hardsigmoid", "hardswish", "logsigmoid", "softmax", "log_softmax",
    "exp", "expm1", "log", "log1p", "sqrt", "rsqrt", "square", "pow", "reciprocal", "sin", "cos", "erf",
    "abs", "clamp",
}
# fmt: on
PRODUCTS_BY_ELEMENT = {"mul", "rmul", "multiply"}
PRODUCTS = PRODUCTS_BY_ELEMENT | {"matmul", "rmatmul", "mm", "bmm", "linear", "einsum"}
CHOICES = {"where", "masked_fill", "minimum", "maximum", "clamp_min", "clamp_max", "threshold", "hardshrink"}
"""What hands a number on, or another one in its place."""
SOFTMAX = {"softmax", "log_softmax"}
SQUARES = {"pow", "square"}


def edits(calls: Sequence[Call], parameters: Collection[str], named: Named) -> Iterator[Edit]:
    """Every edit that makes sense at these calls."""
    for number, call in enumerate(calls):
        where = named.call(number)
        for argument in call.differentiable:
            parameter = call.parameters[argument]
            uses = sum(parameter in other.parameters for other in calls) if parameter in parameters else 0
            kind = "one use only" if uses > 1 else "path dropped"
            path = (operand(call, argument, named) if len(call.differentiable) > 1 else "") + where
            yield Edit(kind, number, argument, path, wrong.path_dropped)
            yield Edit("path counted twice", number, argument, path, wrong.path_counted_twice)
        if len(call.differentiable) == 1:
            for kind, part, way in _of_one_argument(call):
                yield Edit(kind, number, call.differentiable[0], part + where, way)
        if call.name in PRODUCTS and len(call.tensors) >= 2:
            for argument in (0, 1):
                if named(call.tensors[argument]).startswith(UPSTREAM):
                    continue  # the objective's own product: of what is above all calls others tell
                which = operand(call, argument, named)
                for kind, part, way in _of_a_factor(call, argument):
                    yield Edit(kind, number, argument, part + which + where, way)


def _of_one_argument(call: Call) -> Iterator[tuple[str, str, Wrong]]:
    if call.name in ELEMENTWISE or (call.name in CHOICES and call.result.shape == _only(call).shape):
        yield "derivative missing", "", wrong.derivative_missing
        # The sum of a softmax has no slope: that would be a path dropped. A square is no activation.
        if call.name not in SOFTMAX | SQUARES | CHOICES:
            yield "derivative at the output", "", wrong.derivative_at_the_output
    if call.name in SOFTMAX:
        yield "path dropped", "the sum in ", wrong.softmax_without_sum
        yield "path dropped", "the numerator of ", wrong.softmax_without_numerator
        yield "path dropped", "the other elements of ", wrong.softmax_by_element
    if call.averages:
        yield "sum for mean inside", "", wrong.sum_for_mean
    if call.name == "sum":
        yield "mean for sum inside", "", wrong.mean_for_sum


def _only(call: Call) -> Tensor:
    return call.tensors[call.differentiable[0]]


def _of_a_factor(call: Call, argument: int) -> Iterator[tuple[str, str, Wrong]]:
    yield "factor missing", "", wrong.factor_missing
    if call.name in PRODUCTS_BY_ELEMENT:
        return
    if _is_square(call.tensors[argument]):
        yield "factor transposed", "", wrong.factor_transposed
    if _is_square(call.result):
        yield "factor transposed", "what comes from above, for ", wrong.upstream_transposed


def _is_square(value: Tensor) -> bool:
    return value.ndim == 2 and value.shape[0] == value.shape[1]
