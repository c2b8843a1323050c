"""Optimisers, pure functions: (parameters, gradients, state) -> (new parameters, new state).

update holds what they share; momentum and adam one kind each; table names them all.
"""

from manual_backprop.optimisers.table import OPTIMISERS

__all__ = ["OPTIMISERS"]
