"""Functions that kernels evaluate of an argument that they have rounded first.

eˣ is 2ʸ with y = x log₂ e, and so off by |x| u of itself besides its own rounding: so the hardware's ex2
leaves it, and Triton's exp with it. Near 1 the logarithm is off by u in all, as lg2 leaves it.
"""

from typing import Any

import torch
from torch import Tensor

from torch_reference.tolerance.rounding.roundings import Roundings

OF_A_ROUNDED_ARGUMENT = {
    *("exp", "exp2", "expm1", "sigmoid", "erfc"),
    *("log", "log2", "log10", "sin", "cos", "tan"),
}
PRECISE = (torch.float32, torch.float64)


def of_rounded(args: tuple[Any, ...], roundings: Roundings) -> tuple[Any, ...]:
    """The arguments, the first moved by a rounding of its own dtype; what is in 16 bits is so no finer."""
    first = args[0]
    if not isinstance(first, Tensor) or first.dtype not in PRECISE or not first.numel():
        return args
    moved = first.clone()
    roundings.move(moved, torch.finfo(first.dtype).eps / 2)
    return (moved, *args[1:])
