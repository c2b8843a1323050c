"""The lesson: its data, its network, and the derivative of the SSR by every parameter, link by link.

Read it in this order: dosage (data and start), elementary (functions of one variable), network (the forward
pass and its trace), output_layer and hidden_layer (one function for each link), gradient (the tables),
descent (gradient descent); then curvature and convergence, which say how far a learning rate may go.
"""

from manual_backprop.lesson.dosage import INPUTS, OBSERVED, START, START_OF_ALL_SEVEN, data, start
from manual_backprop.lesson.gradient import CHAINS, DERIVATIVES, LESSON_WRT, gradients, links
from manual_backprop.lesson.network import PARAMETERS, Trace, forward

__all__ = [
    "CHAINS",
    "DERIVATIVES",
    "INPUTS",
    "LESSON_WRT",
    "OBSERVED",
    "PARAMETERS",
    "START",
    "START_OF_ALL_SEVEN",
    "Trace",
    "data",
    "forward",
    "gradients",
    "links",
    "start",
]
