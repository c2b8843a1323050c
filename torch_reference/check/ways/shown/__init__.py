"""What is shown of a way that fails: the smallest input at which it does, and the call that can be pasted."""

from torch_reference.check.ways.shown.pasted_call import unbroken
from torch_reference.check.ways.shown.smallest_input import Shrinking

__all__ = ["Shrinking", "unbroken"]
