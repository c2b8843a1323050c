"""The number of x + 1: the graph keeps none of it, and the values tell."""

from typing import Any

import torch
from torch import Tensor

from torch_reference.chain.explanation.activation_rules import exact


def with_its_number(operation: str, x: Any, given: Tensor, made: Tensor) -> Any:
    """x + c or c - x, of which given and made are the values of x and of the whole; None if it is none.

    >>> import sympy
    >>> with_its_number("Rsub", sympy.Symbol("x"), torch.tensor([1.0, 2.0]), torch.tensor([0.5, -0.5]))
    3/2 - x
    """
    if operation not in ("Add", "Sub", "Rsub") or given.shape != made.shape or not made.numel():
        return None
    number = made + given if operation == "Rsub" else made - given
    middle = number.mean()
    scale = torch.maximum(made.abs().amax(), given.abs().amax())
    if not (number - middle).abs().amax() <= 8 * torch.finfo(made.dtype).eps * scale:
        return None
    digits = 12 if made.dtype == torch.float64 else 5
    found = exact(float(f"{middle.item():.{digits}g}"))
    return found - x if operation == "Rsub" else x + found
