"""What a value is by its type, not by what it says of itself: its __class__ is the user's code."""

from typing import Any, TypeGuard

import numpy as np
from torch import Tensor

Kinds = type | tuple[type, ...]


def is_a(value: Any, kinds: Kinds) -> bool:
    """Whether its type is one of these, as isinstance has it, but of what lies or raises an error there.

    >>> from unittest.mock import Mock
    >>> isinstance(Mock(spec=Tensor), Tensor), is_a(Mock(spec=Tensor), Tensor)
    (True, False)
    """
    return issubclass(type(value), kinds)


def is_tensor(value: Any) -> TypeGuard[Tensor]:
    """Whether it is a tensor."""
    return is_a(value, Tensor)


def pretends(value: Any) -> bool:
    """Whether it says that it is a tensor, and is none: Function.apply, in C++, would read its memory.

    >>> from unittest.mock import Mock
    >>> pretends(Mock(spec=Tensor)), pretends(Mock())
    (True, False)
    """
    try:
        return isinstance(value, Tensor) and not is_tensor(value)
    except Exception:  # to ask for its class is an error
        return False


def is_array(value: Any) -> TypeGuard[np.ndarray[Any, Any]]:
    """Whether it is a numpy array, or one of its numbers."""
    return is_a(value, (np.ndarray, np.generic))
