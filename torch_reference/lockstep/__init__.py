"""Trainings of the two packages side by side: every step judged, link by link, within a derived bound."""

from torch_reference.lockstep.lockstep import Lockstep

__all__ = ["Lockstep"]
