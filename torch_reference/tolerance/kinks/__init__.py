"""Kinks and ties: where the derivative has several sides, any mixture of them is right.

ReLU's slope at 0 is anything from 0 to 1, and the gradient of a maximum may be split in any way among those
that are equal. sides.py finds the sides, by the decisions of the reference that roundings turn, each by
itself (mixtures.py), and beside the point, where decisions inside of an operation are not seen (beside.py);
hulls.py says what lies between them, kept.py which elements of a sum keep it on all of them, and towards.py
looks for those that reach as far as a given value, in a loss by what reaches a pooling (pools.py).
"""

from torch_reference.tolerance.kinks.beside import Side
from torch_reference.tolerance.kinks.hulls import Hull

__all__ = ["Hull", "Side"]
