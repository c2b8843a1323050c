"""The ways in which a training calls a function, besides the one in which it was given.

Each is a function that yields attempts at a session, none where it cannot apply. A way fails where one of its
attempts does. `table` lists them, `running` judges them.
"""

from torch_reference.check.ways.session import Made, Session
from torch_reference.check.ways.table import WAYS, chosen_ways

__all__ = ["WAYS", "Made", "Session", "chosen_ways"]
