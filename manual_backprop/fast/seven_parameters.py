"""The network that the kernels and the triangle were derived for: the lesson's, with its seven parameters.

Where the lesson's network has more, or others, they step aside for the plain derivation, which takes any.
"""

from manual_backprop.lesson.gradient import LESSON_WRT
from manual_backprop.lesson.network import PARAMETERS

HIDDEN = ("w1", "b1", "w2", "b2")
"""The parameters of its hidden layer."""

SEVEN = (*HIDDEN, *LESSON_WRT)
"""All of them, in the order of the forward pass, in which the kernel takes their addresses."""

COLUMNS = (*LESSON_WRT, *HIDDEN)
"""The order of the kernel's sums: the first three need no derivative of the hidden layer."""

ARE_ALL = set(PARAMETERS) == set(SEVEN)
"""Whether the lesson's network has these parameters and no other."""
