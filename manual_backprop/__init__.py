"""Gradients of the lesson's network, derived by hand: no autograd, no torch.nn."""

from manual_backprop._version import version
from manual_backprop.layers.table import ACTIVATIONS, LAYERS
from manual_backprop.lesson.gradient import CHAINS, DERIVATIVES, LESSON_WRT, gradients, links
from manual_backprop.lesson.network import PARAMETERS, forward
from manual_backprop.lesson.trace import Trace
from manual_backprop.losses.table import LOSSES
from manual_backprop.optimisers.table import OPTIMISERS

__all__ = [
    "ACTIVATIONS",
    "CHAINS",
    "DERIVATIVES",
    "LAYERS",
    "LESSON_WRT",
    "LOSSES",
    "OPTIMISERS",
    "PARAMETERS",
    "Trace",
    "forward",
    "gradients",
    "links",
]

__version__ = version()


def __dir__() -> list[str]:
    """What this page lists, and not also every module that has been imported."""
    return [*__all__, "__version__"]
