"""Operations whose arguments are moved: what they make is right for arguments a few roundings away.

Functions are evaluated by kernels of an argument that they have rounded first: eˣ is 2ʸ with y = x log₂ e,
and so off by |x| u of itself besides its own rounding: so the hardware's ex2 leaves it, and Triton's exp with
it. Near 1 the logarithm is off by u in all, as lg2 leaves it.

Linear algebra is stable backwards. A factorisation or a solution of n rows is the exact one of A + E, where
each element of E is of the size of √n roundings of the largest element of A (Higham, Accuracy and Stability,
chapters 9 and 10: n in the worst case). How far that carries the result is the condition of the problem,
which no look at the result tells; so the arguments are moved, and the operation is run on them.

A matrix unit takes factors of 16 bits: where a reference for 16 bits computes one in float32, as the weights
of an attention, every kernel rounds it before the product. What is of 16 bits anyway stays as it is.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from torch_reference.tolerance.rounding.exact_results import is_number
from torch_reference.tolerance.rounding.exact_run import FACTORS
from torch_reference.tolerance.rounding.operations import Operation
from torch_reference.tolerance.rounding.roundings import Roundings

STABLE_BACKWARDS = frozenset(
    """
    _linalg_det _linalg_eigh _linalg_slogdet _linalg_solve_ex _linalg_svd cholesky_inverse cholesky_solve
    linalg_cholesky_ex linalg_eig linalg_householder_product linalg_inv_ex linalg_lstsq linalg_lu
    linalg_lu_factor_ex linalg_lu_solve linalg_matrix_exp linalg_qr linalg_solve_triangular triangular_solve
    """.split()  # noqa: SIM905 (as in operations.py)
)
OF_A_ROUNDED_ARGUMENT = {
    *("exp", "exp2", "expm1", "sigmoid", "erfc"),
    *("log", "log2", "log10", "sin", "cos", "tan"),
}
PRECISE = (torch.float32, torch.float64)


def moved_arguments(
    kind: Operation, args: tuple[Any, ...], roundings: Roundings, unit: Callable[[torch.dtype], float]
) -> tuple[Any, ...]:
    """The arguments, moved by what the operation may be off by in them; most operations' as they are."""
    if kind.name in OF_A_ROUNDED_ARGUMENT and not kind.in_place:
        return _of_rounded(args, roundings)
    if kind.name not in STABLE_BACKWARDS:
        return args
    return tuple(
        _moved(arg, roundings, unit(arg.dtype)) if is_number(arg) and arg.ndim > 1 and arg.numel() else arg
        for arg in args
    )


def handed_to_matrix_units(
    kind: Operation, args: tuple[Any, ...], roundings: Roundings, dtype: torch.dtype | None
) -> tuple[Any, ...]:
    """The arguments of a product, with factors in float32 moved by a rounding of that dtype, if one is given.

    What is a number of that dtype already stays.
    """
    places = FACTORS.get(kind.name, ())
    if dtype is None or not places:
        return args

    def moved(arg: Any) -> Any:
        if (
            not isinstance(arg, Tensor)
            or arg.dtype != torch.float32
            or torch.equal(arg, arg.to(dtype).float())
        ):
            return arg
        found = arg.clone()
        roundings.move(found, torch.finfo(dtype).eps / 2)
        return found

    return tuple(moved(arg) if place in places else arg for place, arg in enumerate(args))


def _of_rounded(args: tuple[Any, ...], roundings: Roundings) -> tuple[Any, ...]:
    """The arguments, the first moved by a rounding of its own dtype; what is in 16 bits is so no finer."""
    first = args[0]
    if not isinstance(first, Tensor) or first.dtype not in PRECISE or not first.numel():
        return args
    moved = first.clone()
    roundings.move(moved, torch.finfo(first.dtype).eps / 2)
    return (moved, *args[1:])


def _moved(matrix: Tensor, roundings: Roundings, unit: float) -> Tensor:
    moved = matrix.contiguous().clone()
    largest = moved.abs().amax((-2, -1), keepdim=True) * max(moved.shape[-2:]) ** 0.5
    roundings.add(moved, largest.expand(moved.shape), unit)
    return moved
