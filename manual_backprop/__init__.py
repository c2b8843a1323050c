"""Gradients of the lesson's network, derived by hand: no autograd, no torch.nn."""

from manual_backprop.gradients import CHAINS, DERIVATIVES, LESSON_WRT, gradients, links
from manual_backprop.network import PARAMETERS, Trace, forward

__all__ = ["CHAINS", "DERIVATIVES", "LESSON_WRT", "PARAMETERS", "Trace", "forward", "gradients", "links"]
