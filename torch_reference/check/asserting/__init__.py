"""The check in anybody's tests: assertions at one point, and properties at points that hypothesis draws."""

from torch_reference.check.asserting.assertions import (
    assert_agrees,
    assert_function_matches,
    assert_gradients_match,
)
from torch_reference.check.asserting.properties import assert_always_matches, assert_gradients_always_match

__all__ = [
    "assert_agrees",
    "assert_always_matches",
    "assert_function_matches",
    "assert_gradients_always_match",
    "assert_gradients_match",
]
