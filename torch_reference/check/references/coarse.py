"""Whether a function of float64's inputs works in float32 inside: then its own values are no finer."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from torch_reference.layers.own_generator import own_generator
from torch_reference.tolerance.rounding.exact_run import ExactRun, widened_inputs

FINE, SINGLE = 1e-12, 2.0**-10
"""Parts of the largest value: below, a function works in float64; between them, in float32 somewhere."""
NEAR, BESIDE, NOISE = 1e-2, 1e-6, 1e-3
"""What float32 makes of constants changes by such a part of itself at most, so little beside a point.

Looked for near the given one, too, where no numbers are equal that happen to be, and no rounding is none.
"""

Run = Callable[[Sequence[Tensor]], list[Tensor]]


def is_noisy(run: Run, tensors: Sequence[Tensor]) -> bool:
    """Whether what float32 changes is another a little beside a point: a constant's rounding stays."""
    here = list(widened_inputs({str(i): value for i, value in enumerate(tensors)}).values())
    for start in (apart_by(NEAR, here), here):
        points = start, apart_by(BESIDE, start)
        try:
            one, other = (in_a_row(run, given, True) - in_a_row(run, given, False) for given in points)
        except Exception:  # near the given point the function may have no value
            continue
        if bool((apart(one, other).abs() > NOISE * one.abs().max()).any()):
            return True
    return False


def compared(run: Run, exact: Sequence[Tensor], is_double: bool) -> tuple[bool, bool]:
    """(whether the values as they are are the exact ones, whether they are those of float32)."""
    try:
        as_it_is, exactly = in_a_row(run, exact, True), in_a_row(run, exact, False)
    except Exception:  # near the given point the function may have no value
        return False, False
    if as_it_is is None or as_it_is.shape != exactly.shape:
        return False, False
    off, size = apart(as_it_is, exactly).abs(), 1e-300 + exactly.abs().nan_to_num(posinf=0.0).max()
    worst = float((off / size).nan_to_num(nan=0.0, posinf=1.0).max()) if off.numel() else 0.0
    return worst <= FINE, is_double and FINE < worst <= SINGLE


def apart_by(part: float, values: Sequence[Tensor]) -> list[Tensor]:
    """Every number moved by about such a part of itself, each by one of its own."""
    generator = own_generator(7)
    found = []
    for value in values:
        if value.is_floating_point() or value.is_complex():
            size = torch.rand(value.shape, dtype=torch.float64, generator=generator).to(value.device)
            value = value * (1 + part * (0.5 + size))
        found.append(value)
    return found


def in_a_row(run: Run, given: Sequence[Tensor], plainly: bool) -> Any:
    """All outputs; None where the plain run raises an error, as where float32's numbers meet float64's."""
    try:
        with torch.no_grad(), nullcontext() if plainly else ExactRun():
            found = run([value.clone() for value in given])
    except Exception:  # the function is the user's
        if plainly:
            return None
        raise
    rows = [pairs_of(each).reshape(-1).double() for each in found]
    return torch.cat(rows) if rows else torch.zeros(0, dtype=torch.float64, device="cpu")


def unit_of_outputs(run: Run, tensors: Sequence[Tensor]) -> float:
    """Half of the least step of outputs that are no float64 though all is run in it; 0 where they are.

    What is written into memory of torch's default dtype is rounded to it.
    """
    exact = list(widened_inputs({str(i): value for i, value in enumerate(tensors)}).values())
    with torch.no_grad(), ExactRun():
        found = run([value.clone() for value in exact])
    units = [torch.finfo(each.dtype).eps / 2 for each in found]
    return max((unit for unit in units if unit > torch.finfo(torch.float64).eps), default=0.0)


def unit_of_16_bits(run: Run, tensors: Sequence[Tensor]) -> float:
    """Half of the step of 16 bits where float32's inputs are worked on in them, as under autocast; else 0.

    Of float64's inputs an autocast makes nothing coarser: it is the given ones that show it.
    """
    kinds = {value.dtype for value in tensors if value.is_floating_point() or value.is_complex()}
    if kinds != {torch.float32}:
        return 0.0
    exact = list(widened_inputs({str(i): value for i, value in enumerate(tensors)}).values())
    as_given, exactly = in_a_row(run, tensors, True), in_a_row(run, exact, False)
    if as_given is None or as_given.shape != exactly.shape or not exactly.numel():
        return 0.0
    largest = float(exactly.abs().nan_to_num(posinf=0.0).max())
    off = float(apart(as_given, exactly).abs().nan_to_num(nan=0.0, posinf=0.0).max()) / (largest or 1.0)
    # Numbers of float32 are off by 2^-24 of themselves; a sum of thousands is off by less than 2^-15.
    coarser = torch.bfloat16 if off > 2.0**-11 else torch.float16
    return torch.finfo(coarser).eps / 2 if off > 2.0**-15 else 0.0


def pairs_of(value: Tensor) -> Tensor:
    """A complex tensor's real and imaginary parts; any other as it is."""
    return torch.view_as_real(value.resolve_conj()) if value.is_complex() else value


def apart(one: Tensor, other: Tensor) -> Tensor:
    """Their difference; an infinity that stays, as a mask's does, has not moved."""
    return torch.where(one == other, 0.0, one - other)
