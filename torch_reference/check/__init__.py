"""The door: check a derivation for a network (derivation) or a function's backward (function).

asserting is the same for anybody's tests, shell for a command line; examine is what all of them do.
"""

from torch_reference.check.asserting import (
    assert_agrees,
    assert_always_matches,
    assert_function_matches,
    assert_gradients_always_match,
    assert_gradients_match,
)
from torch_reference.check.derivation import check_derivation
from torch_reference.check.function import check_function
from torch_reference.check.modules import check_modules

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
