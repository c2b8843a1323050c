"""A large point judged by its rows, where the reference treats them alike, and each by itself.

by_rows.py judges a few rows at a time (parts.py places what is said of them in the whole), sample.py what the
roundings of a few say of all others; added_up.py is for what belongs to no row.
"""

from torch_reference.tolerance.rows.whole import Allowed

__all__ = ["Allowed"]
