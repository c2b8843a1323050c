"""The lesson: its data, its network, and the derivative of the SSR by every parameter, link by link.

Read it in this order: dosage (data and start), elementary (functions of one variable), output_layer (w3, w4
and b3, one function for each link), top_node and bottom_node (the same chain two links longer), network (the
forward pass, whose trace the links read), gradient (the tables), descent (gradient descent); then curvature
and convergence, which say how far a learning rate may go. docs/add_a_parameter.md adds one more parameter.
"""

from typing import TYPE_CHECKING, Any

from manual_backprop.lesson.dosage import INPUTS, OBSERVED, START, START_OF_ALL_SEVEN, data, start
from manual_backprop.lesson.gradient import CHAINS, DERIVATIVES, LESSON_WRT, gradients, links
from manual_backprop.lesson.network import PARAMETERS, forward
from manual_backprop.lesson.trace import Trace

if TYPE_CHECKING:
    from manual_backprop.lesson.descent import History, Stopped, descend

__all__ = [
    "CHAINS",
    "DERIVATIVES",
    "INPUTS",
    "LESSON_WRT",
    "OBSERVED",
    "PARAMETERS",
    "START",
    "START_OF_ALL_SEVEN",
    "History",
    "Stopped",
    "Trace",
    "data",
    "descend",
    "forward",
    "gradients",
    "links",
    "start",
]


def __getattr__(name: str) -> Any:
    """What belongs to a descent, once it is asked for: it is a tenth of what importing the package takes."""
    if name in ("History", "Stopped", "descend"):
        from manual_backprop.lesson import descent

        return getattr(descent, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
