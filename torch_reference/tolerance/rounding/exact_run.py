"""The exact run: any torch code in float64, whatever dtypes it names itself.

A reference that says `x.float()` means float32 inside; its exact value is wanted all the same. So conversions
to a coarser dtype keep what they are given, memory for results is that of float64, and what was made in a
coarser dtype is widened before it is used.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from torch_reference.tolerance.rounding.decisions import Decisions
from torch_reference.tolerance.rounding.fused import decides, has_elements
from torch_reference.tolerance.rounding.operations import Operation, operation
from torch_reference.tolerance.rounding.uncompiled import Uncompiled, with_conjugates

WIDE = {
    torch.float32: torch.float64,
    torch.float16: torch.float64,
    torch.bfloat16: torch.float64,
    torch.complex32: torch.complex128,
    torch.complex64: torch.complex128,
}

MEMORY = ("empty", "empty_strided", "ones", "zeros")
MEMORY_LIKE = (
    "empty_like",
    "new_empty",
    "new_empty_strided",
    "new_ones",
    "new_zeros",
    "ones_like",
    "zeros_like",
)
"""What hands out memory, in the default dtype or in that of another, for results to be written into."""


FRESH = ("lift", "lift_fresh")
"""What hands out a tensor that was just made of numbers, as torch.tensor does."""


class ExactRun(Uncompiled):  # type: ignore[no-untyped-call] # torch leaves it untyped
    """Run in float64, and note what is decided and how large the largest result is.

    Attributes: decisions; largest, the most elements of a result
    """

    def __init__(self, held: tuple[Any, ...] | None = None, imaginary_steps: bool = False) -> None:
        """With `held`, keep to the decisions of another run; an imaginary step is no number of the code's."""
        super().__init__()
        self.imaginary_steps = imaginary_steps
        self.decisions = Decisions(held)

    @with_conjugates
    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation in float64, taken apart where it decides inside."""
        kind, (args, kwargs) = (
            operation(func),
            all_wide(operation(func), args, kwargs or {}, self.imaginary_steps),
        )
        if kind.apart and decides(kind.name) and has_elements(args):
            with self:
                return kind.apart(*args, **kwargs)
        results = wide_results(kind, func(*args, **kwargs))
        if kind.in_place or kind.view:
            return results
        return self.decisions.settled(kind.name, args, results)


def all_wide(
    kind: Operation, args: tuple[Any, ...], kwargs: dict[str, Any], imaginary_steps: bool = False
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments as float64 has them: conversions, memory and numbers of a coarser dtype."""
    dtype = kwargs.get("dtype") or (torch.get_default_dtype() if kind.name in MEMORY else None)
    # A conversion, or a sum in a dtype of its own.
    if dtype in WIDE and (kind.name in (*MEMORY, *MEMORY_LIKE) or (args and _is_number(args[0]))):
        is_step = imaginary_steps and kind.name == "_to_copy" and args[0].is_complex()
        kwargs = kwargs | {"dtype": torch.complex128 if is_step else WIDE[dtype]}
    if not kind.view and not kind.in_place and any(_is_narrow(arg) for arg in args):
        args = tuple(widened(arg) for arg in args)
    return args, kwargs


def wide_results(kind: Operation, results: Any) -> Any:
    """The results as float64 has them: into a constant of a coarser dtype others may be written."""
    if kind.in_place or (kind.view and kind.name not in FRESH):
        return results
    return widened(results) if isinstance(results, Tensor) else tree_map(widened, results)


def widened_inputs(inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """The inputs in float64 and complex128; indices and masks as they are."""
    return {name: value.to(WIDE.get(value.dtype, value.dtype)) for name, value in inputs.items()}


def exactly(
    reference: Callable[[dict[str, Tensor]], Mapping[str, Tensor]], point: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """What the reference makes of a point in float64."""
    with ExactRun():
        return dict(reference(widened_inputs(dict(point))))


def _is_number(value: Any) -> bool:
    return isinstance(value, Tensor) and (value.is_floating_point() or value.is_complex())


def _is_narrow(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dtype in WIDE


def widened(value: Any) -> Any:
    """A tensor of a coarser dtype in float64, or complex128; whatever else as it is."""
    return value.to(WIDE[value.dtype]) if _is_narrow(value) else value


OF_FREE_SIGNS = {"_linalg_eigh", "linalg_eig", "_linalg_svd"}
"""Whose vectors have any sign, or phase: one precision may choose another than float64 does."""


def in_one_dtype(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What an operation makes, which may take numbers of one dtype only where a closure's own are coarser.

    Signs that are free are those of the exact run: what is decided by them, as the slope of a size is, is
    held.
    """
    if func.overloadpacket.__name__ in OF_FREE_SIGNS and _is_narrow(args[0]):
        made = func(*map(widened, args), **kwargs)
        narrow = {wide: dtype for dtype, wide in WIDE.items() if dtype in (torch.float32, torch.complex64)}
        return type(made)(each.to(narrow[each.dtype]) for each in made)
    try:
        return func(*args, **kwargs)
    except RuntimeError:
        wide = tuple(map(widened, args))
        mixes = any(isinstance(arg, Tensor) and arg.dtype in WIDE.values() for arg in args)
        if not mixes or all(one is other for one, other in zip(wide, args, strict=True)):
            raise
    return func(*wide, **kwargs)


PRODUCTS = {"mm", "addmm", "bmm", "baddbmm", "mv", "addmv", "dot", "linear", "convolution"}
"""What takes numbers of one dtype only."""
FACTORS = {name: (1, 2) if name.startswith(("addm", "badd")) else (0, 1) for name in PRODUCTS} | {
    "convolution_backward": (0, 1, 2)
}
"""The places of a product's factors, which matrix units round; what is added to it is not."""


def of_one_dtype(name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments of a product, all in float64 where one is: a closure's own numbers stay coarser.

    And marks that are truth values, which a backward takes for no other numbers, as they were.
    """
    if name == "multilabel_margin_loss_backward":
        return (*args[:4], args[4].round())
    if name not in PRODUCTS or not any(
        isinstance(arg, Tensor) and arg.dtype in (torch.float64, torch.complex128) for arg in args
    ):
        return args
    return tuple(map(widened, args))
