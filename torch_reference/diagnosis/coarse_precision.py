"""A right formula whose products round their factors, as TF32 and 16 bits inside of float32 do.

A tensor core reads the factors of a float32 product as TF32, with 10 bits behind the point where float32
has 23: rounded to nearest, which are float16's numbers, or cut off. So the reference is run again with the
factors of its products rounded, of all or of the backward pass's. It is that precision if hardly an error is
left: what is merely as small leaves all of it.

A kernel may round other factors than its reference has: exponentials before they are divided by their sum, a
recurrence's in blocks. Its error is as large then, and as random: at numbers beside these it is another one,
where a wrong formula is off by the same.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from torch_reference.diagnosis.pattern_kinds import PATTERNS
from torch_reference.diagnosis.random_draws import Draw
from torch_reference.judging.calls.points import unseen
from torch_reference.judging.derivation_task import Task, normal
from torch_reference.judging.hygiene import checked_mapping
from torch_reference.judging.report import UNKNOWN, Diagnosis
from torch_reference.judging.scalar_objective import reference_gradients
from torch_reference.layers.own_generator import own_generator
from torch_reference.tolerance.rounding.exact_run import FACTORS, ExactRun, widened_inputs
from torch_reference.tolerance.rounding.operations import operation
from torch_reference.tolerance.rounding.uncompiled import Uncompiled

LEFT, FEWEST = 1 / 8, 16
"""So much of the error is left at most, in the root of the mean square, of so many elements."""
BESIDE, AS_LARGE, COMMON = 2.0**-8, 4.0, 0.8
"""Numbers so far beside these round anew; so many times as large; and so much of the error in common:
that of a formula has nearly all, since it changes by about as much as the numbers do."""
AS_LARGE_AS_ROUNDINGS = (
    "It is off by as much as products whose factors are rounded to {precision}, and at numbers beside these "
    "by something else: roundings, not another formula."
)


def cut_off(value: Tensor) -> Tensor:
    """The 13 last bits of a float32 number set to zero.

    >>> cut_off(torch.tensor(1.2345678)).item()
    1.234375
    """
    return (value.float().view(torch.int32) & ~0x1FFF).view(torch.float32)


PRECISIONS: dict[str, tuple[Callable[[Tensor], Tensor], ...]] = {
    "TF32 or float16": (torch.Tensor.half, cut_off),
    "bfloat16": (torch.Tensor.bfloat16,),
}


def coarse_precision(task: Task, name: str, drawn: Sequence[Draw]) -> Diagnosis:
    """The precision of the factors that explains the error at every draw, or UNKNOWN.

    Shapes: what was returned at the draws is in float32 or float64
    """
    ways = [(told, rounded) for told, roundings in PRECISIONS.items() for rounded in roundings]
    for backward_only in (False, True):
        for told, rounded in ways:
            try:
                is_that = all(_is_explained(task, name, draw, rounded, backward_only) for draw in drawn)
            except Exception:  # the reference is the user's: a product may take no other precision
                return UNKNOWN
            if is_that:
                return _told(PATTERNS["coarse precision"][0], told)
    for told, (rounded, *_) in PRECISIONS.items():
        try:
            if all(_is_as_large(task, name, draw, rounded) for draw in drawn):
                return _told(AS_LARGE_AS_ROUNDINGS, told)
        except Exception:  # as above, and the derivation is the user's as well
            return UNKNOWN
    return UNKNOWN


def _told(sentence: str, precision: str) -> Diagnosis:
    return Diagnosis(
        "coarse precision", sentence.format(precision=precision), PATTERNS["coarse precision"][1]
    )


class RoundedFactors(Uncompiled):  # type: ignore[no-untyped-call] # torch leaves it untyped
    """Round the factors of every product, those of single numbers too where elements is true."""

    def __init__(
        self, rounded: Callable[[Tensor], Tensor], backward_only: bool, elements: bool = False
    ) -> None:
        """Count them."""
        super().__init__()
        self.rounded, self.backward_only, self.products = rounded, backward_only, 0
        self.factors = {**FACTORS, "mul": (0, 1)} if elements else FACTORS

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation, a product of numbers that are rounded."""
        name = operation(func).name
        is_asked = not self.backward_only or torch._C._current_graph_task_id() != -1
        if name in self.factors and is_asked:
            self.products += 1
            with unseen():  # the exact run would take 16 bits for float64
                args = tuple(
                    self.rounded(arg).to(arg.dtype) if place in self.factors[name] and _is_real(arg) else arg
                    for place, arg in enumerate(args)
                )
        return func(*args, **(kwargs or {}))


def _is_real(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()


def _is_explained(
    task: Task, name: str, draw: Draw, rounded: Callable[[Tensor], Tensor], backward_only: bool
) -> bool:
    point, manual = widened_inputs(dict(draw.point)), draw.manual[name].double()
    shapes = {name: tuple(draw.reference[name].shape)}
    if manual.numel() < FEWEST or manual.shape != draw.reference[name].shape:
        return False
    with ExactRun():
        right = reference_gradients(task.objective, point, shapes, draw.cuts)[name]
        run = RoundedFactors(rounded, backward_only)
        with run:
            made = reference_gradients(task.objective, point, shapes, draw.cuts)[name]
    if not run.products:
        return False
    return bool((manual - made).norm() <= LEFT * (manual - right).norm())


def _is_as_large(task: Task, name: str, draw: Draw, rounded: Callable[[Tensor], Tensor]) -> bool:
    """Whether the error is as large as such roundings make it, and is another one beside the point."""
    generator = own_generator(5)
    beside = {
        key: value * (1 + BESIDE * normal(value, generator)) if _is_real(value) else value
        for key, value in draw.point.items()
    }
    shapes = {name: tuple(draw.reference[name].shape)}
    manual = checked_mapping(task.derivation(beside))[name]
    if min(manual.numel(), draw.manual[name].numel()) < FEWEST:
        return False
    errors = []
    for point, value in ((draw.point, draw.manual[name]), (beside, manual)):
        with ExactRun():
            right = reference_gradients(task.objective, widened_inputs(dict(point)), shapes)[name]
        errors.append((value.double() - right).flatten())
    with ExactRun(), RoundedFactors(rounded, backward_only=False, elements=True):
        made = reference_gradients(task.objective, widened_inputs(dict(beside)), shapes)[name]
    size = float((made - right).norm())
    one, other = (float(error.norm()) for error in errors)
    is_as_large = all(size <= AS_LARGE * error <= AS_LARGE**2 * size for error in (one, other))
    return is_as_large and abs(float(errors[0] @ errors[1])) <= COMMON * one * other
