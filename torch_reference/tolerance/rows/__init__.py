"""A large point judged by its rows, where the reference treats them alike, and each by itself.

by_rows.py tries what may have rows; judgement.py judges a few at a time (part.py), and places what is said of
them in the whole (placing.py); others.py all those of which a sample tells enough (sample.py, blocks.py, or
numbers.py where each number is a row), and how much is wrong of what is wrong everywhere (beyond.py);
added_up.py is for what belongs to no row.
"""

from torch_reference.tolerance.rows.whole import Allowed

__all__ = ["Allowed"]
