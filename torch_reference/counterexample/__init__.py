"""A failing point made small, written as a script that reproduces the failure in a process of its own.

function does it for check_function, network for check_derivation; shrinking finds the smallest point that
still fails in the same way, and literals writes its numbers without losing a bit.
"""

from torch_reference.counterexample.function import function_counterexample

__all__ = ["function_counterexample"]
