"""The comparison: two mappings name -> tensor in, one row per name out. It never broadcasts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import torch
from torch import Tensor

FLOAT32_FOR_FLOAT64 = (torch.float32, torch.float64)
NO_NUMBER = (
    "the reference is no number there, as where a slope is infinite: nothing is known; check at another point"
)


class Verdict(StrEnum):
    """What the comparison says of one name; only AGREES is agreement."""

    AGREES = "agrees"
    LOSES_DIGITS = "loses digits"
    INCONCLUSIVE = "inconclusive"
    DIFFERS = "differs"
    MISSING = "missing"
    EXTRA = "extra"
    WRONG_SHAPE = "wrong shape"
    WRONG_DTYPE = "wrong dtype"
    WRONG_DEVICE = "wrong device"
    NAN = "nan"
    INFINITE = "infinite"
    NO_BOUND = "no bound"
    MUTATED = "input mutated"
    OVERWRITTEN = "output mutated"
    ALIASED = "shares memory"
    UNSTABLE = "not repeatable"
    REQUIRES_GRAD = "requires grad"
    RAISED = "raises an error"
    NOTHING = "nothing was compared"


@dataclass(frozen=True)
class Row:
    """One name's comparison, shown at its worst element: the one with the largest difference / bound.

    The numbers are None where the verdict does not rest on numbers (missing, extra, wrong shape, …). Where
    part is not empty, they are those of a sum of the elements, which part names. bluntness is what the bounds
    are of the values, Σ bound / Σ |reference|, where that is known.
    """

    name: str
    verdict: Verdict
    manual: float | complex | None = None
    reference: float | complex | None = None
    difference: float | None = None
    bound: float | None = None
    ratio: float | None = None
    index: tuple[int, ...] = ()
    wrong_elements: int = 0
    elements: int = 0
    explanation: str = ""
    part: str = ""
    bluntness: float | None = None

    @property
    def agrees(self) -> bool:
        """Whether the two witnesses agree on every element."""
        return self.verdict is Verdict.AGREES


def compare(
    manual: Mapping[str, Tensor], reference: Mapping[str, Tensor], bounds: Mapping[str, Tensor]
) -> list[Row]:
    """Compare every element of every named tensor with the reference, within its own bound.

    Formula: agrees ⟺ |manual − reference| ≤ bound, element by element, there being no other tolerance
    Shapes:  manual[name], reference[name] and bounds[name] have one shape, or the row says that they do not
    Errors:  none: whatever is wrong with the manual side is the verdict of its row. A bound that is missing,
             of another shape, NaN or infinite gives NO_BOUND, which is not agreement

    >>> import torch, torch_reference
    >>> manual = {"w3": torch.tensor(2.0), "w4": torch.tensor(-1.0)}
    >>> reference = {"w3": torch.tensor(2.0), "w4": torch.tensor(1.0)}
    >>> bounds = {"w3": torch.tensor(1e-6), "w4": torch.tensor(1e-6)}
    >>> for row in torch_reference.compare(manual, reference, bounds):
    ...     print(row.name, row.verdict)
    w3 agrees
    w4 differs
    """
    names = dict.fromkeys((*reference, *manual))
    return [_row(name, manual.get(name), reference.get(name), bounds.get(name)) for name in names]


def form_mismatch(name: str, manual: Tensor, reference: Tensor) -> Row | None:
    """The row of a wrong shape, dtype or device, where no number need be looked at; None if all are right."""
    for verdict, found, expected in (
        (Verdict.WRONG_SHAPE, tuple(manual.shape), tuple(reference.shape)),
        (Verdict.WRONG_DTYPE, manual.dtype, reference.dtype),
        (Verdict.WRONG_DEVICE, manual.device, reference.device),
    ):
        if found != expected:
            explanation = f"expected {expected}, found {found}{_why(manual, reference)}"
            return Row(name, verdict, explanation=explanation)
    return None


def _why(manual: Tensor, reference: Tensor) -> str:
    """The likely reason of a float32 number where a float64 was expected."""
    if manual.shape == () == reference.shape and (manual.dtype, reference.dtype) == FLOAT32_FOR_FLOAT64:
        return ": torch.tensor(a Python number) is float32; give it the dtype, or return the number itself"
    return ""


def _row(name: str, manual: Tensor | None, reference: Tensor | None, bound: Tensor | None) -> Row:
    if reference is None:
        return Row(name, Verdict.EXTRA, explanation="the reference has no such name")
    if manual is None:
        return Row(name, Verdict.MISSING, explanation="the manual side has no such name")
    mismatch = form_mismatch(name, manual, reference)
    if mismatch:
        return mismatch
    if bound is None or bound.shape != reference.shape:
        found = "none" if bound is None else f"one of shape {tuple(bound.shape)}"
        explanation = f"expected a bound of shape {tuple(reference.shape)}, found {found}"
        return Row(name, Verdict.NO_BOUND, explanation=explanation)
    return _judge_elements(name, manual, reference, bound)


def _judge_elements(name: str, manual: Tensor, reference: Tensor, bound: Tensor) -> Row:
    if reference.numel() == 0:
        return Row(name, Verdict.AGREES)
    # In float64 the difference of two float32 numbers neither overflows nor rounds.
    manual64, reference64, bound64 = _wide(manual), _wide(reference), bound.double()
    off = (manual64 - reference64).abs()
    # Comparisons take several times as long as differences. A NaN is not at most 0.
    is_bounded, least = float(bound64.amax()) < torch.inf, torch.finfo(torch.float64).tiny
    if is_bounded and float((off - bound64).amax()) <= 0:
        ratio = off / bound64.clamp(min=least)
        return _shown(
            name, Verdict.AGREES, manual64, reference64, off, bound64, ratio, int(ratio.argmax()), 0
        )
    if is_bounded and float(bound64.amin()) >= least and float(off.sum()) < torch.inf:  # all are numbers
        ratio = off / bound64
        worst, count = int(ratio.argmax()), int((ratio > 1).sum())
        verdict = Verdict.DIFFERS if count else Verdict.AGREES
        return _shown(name, verdict, manual64, reference64, off, bound64, ratio, worst, count)
    same = manual64 == reference64  # equal infinities too, whose difference would be NaN
    difference = torch.where(same, 0.0, (manual64 - reference64).abs())
    ratio = torch.where(same, 0.0, difference / bound64)  # a bound of zero makes any difference infinite
    unbounded = ~same & ~bound64.isfinite()
    unknown = reference64.isnan()
    wrong = ~(ratio <= 1) | unbounded  # a NaN or an infinity differs too
    verdict, shown = Verdict.AGREES, ~wrong
    if wrong.any():
        # The worst element of the gravest kind is shown: NaN before infinity before a difference; and last
        # one where the reference is no number, of which nothing is known.
        verdict, shown = next(
            (verdict, mask)
            for verdict, mask in (
                (Verdict.NAN, manual64.isnan() & ~unknown),
                (Verdict.INFINITE, ~same & ~unknown & (manual64.isinf() | reference64.isinf())),
                (Verdict.NO_BOUND, unbounded & ~unknown),
                (Verdict.DIFFERS, wrong & ~unknown),
                (Verdict.INCONCLUSIVE, unknown),
            )
            if mask.any()
        )
    worst = int(torch.where(shown, ratio.nan_to_num(nan=torch.inf), -1.0).argmax())
    row = _shown(name, verdict, manual64, reference64, difference, bound64, ratio, worst, int(wrong.sum()))
    return replace(row, explanation=NO_NUMBER) if verdict is Verdict.INCONCLUSIVE else row


def _shown(
    name: str,
    verdict: Verdict,
    manual: Tensor,
    reference: Tensor,
    difference: Tensor,
    bound: Tensor,
    ratio: Tensor,
    worst: int,
    wrong: int,
) -> Row:
    return Row(
        name,
        verdict,
        manual=manual.flatten()[worst].item(),
        reference=reference.flatten()[worst].item(),
        difference=difference.flatten()[worst].item(),
        bound=bound.flatten()[worst].item(),
        ratio=ratio.flatten()[worst].item(),
        # torch.unravel_index would import sympy, for 0.3 s.
        index=tuple(int(i) for i in np.unravel_index(worst, reference.shape)),
        wrong_elements=wrong,
        elements=reference.numel(),
    )


def _wide(value: Tensor) -> Tensor:
    """In float64, or complex128."""
    return value.detach().to(torch.complex128 if value.is_complex() else torch.float64)
