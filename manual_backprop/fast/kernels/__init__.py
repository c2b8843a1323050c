"""The kernels in C, built by the machine's own compiler on first use, and what makes sure of them.

compiled_library hands them out, or None where there are none. A .c file holds the derivatives of what it is
named after; vectors.h holds what both need.
"""

from manual_backprop.fast.kernels.compiled_library import library

__all__ = ["library"]
