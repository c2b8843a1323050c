"""Softmax, norms, variances: what comes back to each element depends on all that are averaged with it."""

from typing import Any

import sympy

from torch_reference.chain.explanation.loss_rules import ONEHOT
from torch_reference.chain.explanation.node_step import Step, numel, shape_of
from torch_reference.chain.explanation.symbols import SUM

MEAN = sympy.Function("mean")
IS_LARGEST = sympy.Function("is_largest")
"""1 for the largest of those that are compared, 0 for all others."""
NORMALISED = sympy.Symbol("normalised")


def softmax(step: Step) -> Any:
    """Of the numerator, and of the sum in the denominator."""
    return step.result * (step.upstream - SUM(step.upstream * step.result))


def log_softmax(step: Step) -> Any:
    """Of the logit, and of the logarithm of the sum; of one column alone no sum is needed."""
    result = step.result
    softmax = sympy.exp(result) if result.is_Symbol else sympy.Function("softmax")(*result.args)
    times = step.upstream / ONEHOT
    return step.upstream - softmax * (times if times.is_number else SUM(step.upstream))


def layer_norm(step: Step) -> Any:
    """Of input, gain and bias: the two averages of what comes back to the normalised values."""
    if step.argument == 1:
        return SUM(step.upstream * NORMALISED)
    if step.argument == 2:
        return SUM(step.upstream)
    given = step.upstream if step.node._saved_weight is None else step.upstream * step.value(1)
    return _normalised(given, numel(step.node._saved_normalized_shape))


def batch_norm(step: Step) -> Any:
    """The same, averaged over the batch and all positions of a channel.

    Errors: ValueError where it does not take its averages from the batch
    """
    if not step.node._saved_training:
        raise ValueError("it is evaluated")
    if step.argument:
        return SUM(step.upstream * NORMALISED if step.argument == 1 else step.upstream)
    given = step.upstream if step.node._saved_weight is None else step.upstream * step.value(1)
    shape = shape_of(step.node)
    return _normalised(given, numel(shape) // shape[1])


def _normalised(given: Any, count: int) -> Any:
    paths = SUM(given) / count + NORMALISED * SUM(given * NORMALISED) / count
    return sympy.Symbol("rstd") * (given - paths)


def variance(step: Step) -> Any:
    """Twice the distance from the mean, divided by the number less the correction."""
    return step.upstream * 2 * (step.x - MEAN(step.x)) / _freedom(step)


def deviation(step: Step) -> Any:
    """The distance from the mean, divided by that and by the deviation."""
    return step.upstream * (step.x - MEAN(step.x)) / (_freedom(step) * step.result)


def _freedom(step: Step) -> Any:
    node = step.node
    count = numel(node._saved_self.shape) // numel(shape_of(node))
    return count - sympy.nsimplify(1 if node._saved_correction is None else node._saved_correction)


def largest(step: Step) -> Any:
    """To the largest element alone.

    Errors: ValueError where two are equal: torch shares it out among them, or gives it to the first
    """
    made = step.node._saved_result if hasattr(step.node, "_saved_result") else step.node._saved_self.amax()
    x = step.node._saved_self
    if (x == _broadcast(made, step.node, x)).sum() != made.numel():
        raise ValueError("ties")
    return step.upstream * IS_LARGEST(step.x)


def _broadcast(made: Any, node: Any, x: Any) -> Any:
    if made.ndim == x.ndim or not made.ndim:
        return made
    for axis in sorted(one % x.ndim for one in node._saved_dim):
        made = made.unsqueeze(axis)
    return made
