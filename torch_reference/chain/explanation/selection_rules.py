"""What chooses, takes out, or puts together: the gradient goes the same way back, and zero elsewhere."""

from typing import Any

import sympy

from torch_reference.chain.explanation.node_step import Step
from torch_reference.chain.explanation.symbols import WHERE, turned

CONDITION, MASK = sympy.symbols("condition mask")
PART = sympy.Function("part")
"""What stands where the argument was put, of what was put together."""
SCATTERED = sympy.Function("scattered")
"""Each number added to where it was taken from."""
FLIPPED = sympy.Function("flipped")


def chosen(step: Step) -> Any:
    """Where the condition holds, or where it does not."""
    return step.upstream * (CONDITION if step.argument == 0 else 1 - CONDITION)


def unmasked(step: Step) -> Any:
    """Nothing comes back from where it was replaced."""
    return step.upstream * (1 - MASK)


def larger(step: Step) -> Any:
    """To the larger of two.

    Errors: ValueError where two are equal: torch shares it out among them
    """
    return step.upstream * WHERE(_difference(step))


def smaller(step: Step) -> Any:
    """To the smaller of two.

    Errors: ValueError where two are equal: torch shares it out among them
    """
    return step.upstream * WHERE(-_difference(step))


def _difference(step: Step) -> Any:
    if bool((step.node._saved_self == step.node._saved_other).any()):
        raise ValueError("ties")
    return step.x - step.other


def part(step: Step) -> Any:
    """Of what was put together, where the argument stands."""
    return PART(step.upstream)


def scattered(step: Step) -> Any:
    """What was taken out is put back."""
    return SCATTERED(step.upstream)


def triangle(step: Step) -> Any:
    """The same triangle.

    Errors: ValueError for another diagonal than the main one
    """
    if step.node._saved_diagonal:
        raise ValueError("another diagonal")
    name = "tril" if "Tril" in step.node.name() else "triu"
    return sympy.Function(name)(step.upstream)


def transposed(step: Step) -> Any:
    """Of matrices: rows and columns exchanged.

    Errors: ValueError for other dimensions than the last two
    """
    node, count = step.node, len(step.node._input_metadata[0].shape)
    if hasattr(node, "_saved_dims"):
        order = [dim % count for dim in map(_signed, node._saved_dims)]
    else:
        order = list(range(count))
        one, other = (_signed(dim) % count for dim in (node._saved_dim0, node._saved_dim1))
        order[one], order[other] = order[other], order[one]
    if order == list(range(count)):
        return step.upstream
    if order != [*range(count - 2), count - 1, count - 2]:
        raise ValueError("other dimensions")
    return turned(step.upstream)


def _signed(number: int) -> int:
    """A negative dimension, as the graph shows it: 2⁶⁴ too large."""
    return number - 2**64 if number >= 2**63 else number
