"""A large point judged by its rows, where the reference treats them alike, and each by itself.

by_rows.py judges a few rows at a time (part.py), and places what is said of them in the whole (placing.py);
others.py all those of which a sample tells enough (sample.py, in blocks.py); added_up.py is for what belongs
to no row.
"""

from torch_reference.tolerance.rows.whole import Allowed

__all__ = ["Allowed"]
