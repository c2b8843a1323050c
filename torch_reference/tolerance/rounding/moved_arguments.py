"""Operations whose arguments are moved: what they make is right for arguments a few roundings away.

Functions are evaluated by kernels of an argument that they have rounded first: eˣ is 2ʸ with y = x log₂ e,
and so off by |x| u of itself besides its own rounding: so the hardware's ex2 leaves it, and Triton's exp with
it. Near 1 the logarithm is off by u in all, as lg2 leaves it. And XLA's cosh is made of
e to the x − log 2, rounded.

Linear algebra is stable backwards. A factorisation or a solution of n rows is the exact one of A + E, where
each element of E is of the size of √n roundings of the largest element of A (Higham, Accuracy and Stability,
chapters 9 and 10: n in the worst case). How far that carries the result is the condition of the problem,
which no look at the result tells; so the arguments are moved, and the operation is run on them.

A matrix unit takes factors of 16 bits: where a reference for 16 bits computes one in float32, as the weights
of an attention, every kernel rounds it before the product. What is of 16 bits anyway stays as it is.

A result is kept as it is returned: where a reference makes a softmax in float32 and hands it on in 16 bits,
its backward pass reads that of float32, and a kernel's the one in 16 bits, which is all that there is.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from torch_reference.tolerance.rounding.exact_results import is_number
from torch_reference.tolerance.rounding.exact_run import FACTORS
from torch_reference.tolerance.rounding.operations import Operation
from torch_reference.tolerance.rounding.roundings import FINE, HALF, Roundings

STABLE_BACKWARDS = frozenset(
    """
    _linalg_det _linalg_eigh _linalg_slogdet _linalg_solve_ex _linalg_svd cholesky_inverse cholesky_solve
    linalg_cholesky_ex linalg_eig linalg_householder_product linalg_inv_ex linalg_lstsq linalg_lu
    linalg_lu_factor_ex linalg_lu_solve linalg_matrix_exp linalg_qr linalg_solve_triangular triangular_solve
    """.split()  # noqa: SIM905 (as in operations.py)
)
OF_A_ROUNDED_ARGUMENT = {
    *("exp", "exp2", "expm1", "sigmoid", "erfc"),
    *("log", "log2", "log10", "sin", "cos", "tan", "sinh", "cosh"),
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


class ReadBack:
    """What the forward pass has handed on in 16 bits, which the backward pass reads as it was handed on."""

    def __init__(self) -> None:
        """Nothing is handed on yet."""
        self.known: dict[tuple[Any, ...], tuple[Tensor, Tensor]] = {}  # kept, so that no other is there

    def note(self, kind: Operation, args: tuple[Any, ...], result: Tensor) -> None:
        """Note a conversion from float32 to 16 bits."""
        is_handed_on = kind.name == "_to_copy" and args[0].dtype == FINE and result.dtype in HALF
        if is_handed_on and (place := _place(args[0])):
            self.known[place] = args[0], result

    def read(self, kind: Operation, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments of an operation of the backward pass, as they were handed on."""
        if not self.known or kind.in_place or torch._C._current_graph_task_id() == -1:
            return args
        return tuple(self._as_handed_on(arg) if isinstance(arg, Tensor) else arg for arg in args)

    def _as_handed_on(self, arg: Tensor) -> Tensor:
        known = self.known.get(_place(arg))
        return known[1].float() if known is not None and arg.dtype == known[0].dtype else arg


def _place(value: Tensor) -> tuple[Any, ...]:
    """Where it is; nowhere for what has no memory of its own."""
    try:
        return value.data_ptr(), value.shape, value.stride()
    except (RuntimeError, NotImplementedError):  # sparse, or of a transform
        return ()


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
