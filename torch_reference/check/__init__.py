"""The door: check a derivation for a network (derivation) or a function's backward (function).

assertions are the same for anybody's tests; examine is what all of them do.
"""

from torch_reference.check.assertions import assert_agrees, assert_function_matches, assert_gradients_match
from torch_reference.check.derivation import check_derivation
from torch_reference.check.function import check_function
from torch_reference.check.modules import check_modules
from torch_reference.check.properties import assert_always_matches, assert_gradients_always_match

__all__ = [
    "assert_agrees",
    "assert_always_matches",
    "assert_function_matches",
    "assert_gradients_always_match",
    "assert_gradients_match",
    "check_derivation",
    "check_function",
    "check_modules",
]
