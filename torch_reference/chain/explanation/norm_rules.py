"""Softmax and norms: what comes back to each element depends on all that are averaged with it."""

from typing import Any

import sympy

from torch_reference.chain.explanation.loss_rules import ONEHOT
from torch_reference.chain.explanation.node_step import Step, numel, shape_of
from torch_reference.chain.explanation.symbols import SUM

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
