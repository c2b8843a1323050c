"""The door: check a derivation for a network (derivation) or a function's backward (function)."""

from torch_reference.check.derivation import check_derivation
from torch_reference.check.function import check_function

__all__ = ["check_derivation", "check_function"]
