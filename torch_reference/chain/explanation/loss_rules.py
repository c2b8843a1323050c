"""Losses that torch has as one operation: what comes back to the predictions."""

from typing import Any

import sympy

from torch_reference.chain.explanation.node_step import Step, numel

SIGMOID = sympy.Function("sigmoid")
ONEHOT = sympy.Symbol("onehot")
"""1 in the column of each row's label, 0 elsewhere."""
NONE, MEAN = 0, 1


def _reduced(step: Step, count: int, each: Any) -> Any:
    """Of a mean, a sum or the terms themselves; to the target, which is given, nothing comes back here.

    Errors: ValueError for another argument than the first
    """
    if step.argument != 0:
        raise ValueError("of the target")
    return step.upstream * each / (count if step.node._saved_reduction == MEAN else 1)


def squared_error(step: Step) -> Any:
    """Twice the residual."""
    return _reduced(step, numel(step.node._saved_self.shape), 2 * (step.x - step.other))


def cross_entropy_of_logits(step: Step) -> Any:
    """The sigmoid less the target.

    Errors: ValueError for one with weights
    """
    node = step.node
    if node._saved_weight is not None or node._saved_pos_weight is not None:
        raise ValueError("weighted")
    return _reduced(step, numel(node._saved_self.shape), SIGMOID(step.x) - step.other)


def cross_entropy_of_probabilities(step: Step) -> Any:
    """Their difference by p (1 − p).

    Errors: ValueError for one with weights
    """
    if step.node._saved_weight is not None:
        raise ValueError("weighted")
    slope = (step.x - step.other) / (step.x * (1 - step.x))
    return _reduced(step, numel(step.node._saved_self.shape), slope)


def negative_log_likelihood(step: Step) -> Any:
    """Of the column of each row's label alone.

    Errors: ValueError for one with weights, or with labels that are ignored
    """
    node = step.node
    target = node._saved_target
    if node._saved_weight is not None or bool((target == node._saved_ignore_index).any()):
        raise ValueError("weighted")
    if node._saved_reduction == NONE:
        raise ValueError("one for each row")
    return _reduced(step, target.numel(), -ONEHOT)
