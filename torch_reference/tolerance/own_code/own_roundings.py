"""What the roundings of the code that is judged explain, where those of the reference do not.

y(1 − y) is the derivative of a sigmoid, and cancels where y is near 1; that of 1/(1 + e⁻ˣ), by autograd, does
not. So before a number is called wrong, the code that made it runs again, with the result of each of its
operations moved by a rounding (rounding/moved_run.py). What that moves as far as the number is off is right,
as far as its formula goes; a wrong formula is wrong whatever its last digits are. What is off by more than
NEAR roundings of the largest element loses digits, as a difference quotient does, whose formula cancels
everywhere. Not forgiven is what works in a coarser precision than its inputs have. Of a kernel that runs past
torch, or of numpy, no operation is seen: what another precision (other_precision.py) does not explain of it,
and is off by no more than NEAR roundings of float32, of the largest element, loses digits.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from time import thread_time

import torch
from torch import Tensor

from torch_reference.comparison import Row, Verdict
from torch_reference.tolerance.differences import difference
from torch_reference.tolerance.movement import DRAWS, Movement, Tensors
from torch_reference.tolerance.own_code.foreign import looking_for_foreign_code
from torch_reference.tolerance.own_code.other_precision import Derive, explained_by_another
from torch_reference.tolerance.own_code.own_draws import OwnDraws
from torch_reference.tolerance.own_code.own_run import OwnRun, own_run
from torch_reference.tolerance.rounding.roundings import FINE, unit
from torch_reference.tolerance.second_look import sizes_of_terms

NEAR = 64.0
"""So many u of the largest element, or of the largest sum of what is added up to one."""
MOST_SECONDS = 10.0
"""Who takes longer for so many draws is not waited for; what they would have explained is not known."""
COARSE = 2.0**-10
"""A rounding that shows how large the terms are, in any precision."""
EXPLAINED = "explained by its own roundings: its formula cancels where that of the reference does not"
UNSEEN = (
    "off by no more than roundings of its largest element, of code whose operations are not seen: digits "
    "that it has lost, or a mistake that is as small"
)
TOO_SLOW = (
    "beyond what rounding explains in the reference, and not run again often enough to see what its own "
    "roundings explain, which takes too long"
)
BY_ITSELF = (
    "explained by its own roundings alone: its formula loses digits where that of the reference does not"
)

Again = Callable[[], Mapping[str, Tensor]]


def forgiven(
    rows: Mapping[str, Row],
    manual: Tensors,
    movement: Movement,
    again: Again,
    accept: Collection[str] = (),
    anywhere: bool = False,
    derive: Derive | None = None,
) -> dict[str, Row]:
    """The rows, those that differ by what the code's own roundings explain among them as they are then.

    Anywhere, at a point that nobody gave, they may explain more than NEAR.

    Shapes: manual are the numbers that were judged, or those of them that are asked for, by name; again()
            makes them anew, and derive() those of other inputs
    """
    own = unit(movement.coarsest)
    told = dict(rows)
    # Float32 inside loses none of the digits that 16 bits have.
    for finest in sorted({own, min(own, unit(FINE))}):
        asked = [
            name
            for name, row in told.items()
            if row.verdict is Verdict.DIFFERS and name in movement.moved and name in manual
        ]
        by_another = derive and partial(
            explained_by_another, movement=movement, derive=derive, anywhere=anywhere
        )
        another = by_another if finest == own else None
        explained = _explained(asked, manual, movement, again, finest, another) if asked else {}
        for name, how in explained.items():
            is_fine = finest <= unit(FINE) and (
                anywhere or _is_near(manual[name], movement, name, again, finest)
            )
            loses_digits = how or ("" if is_fine else BY_ITSELF)
            told[name] = _row(rows[name], loses_digits, Verdict.LOSES_DIGITS.value in accept)
    return told


def _explained(
    asked: list[str],
    manual: Tensors,
    movement: Movement,
    again: Again,
    finest: float,
    by_another: Callable[[Mapping[str, OwnDraws]], list[str]] | None = None,
) -> dict[str, str]:
    """What roundings of that size explain, and why digits may be lost, or nothing is known, there."""
    own = {name: _drawn(manual[name], movement, name) for name in asked}
    since = thread_time()
    with looking_for_foreign_code() as foreign:
        if not _is_repeatable(own, again):
            return {}
    sees_all, still, is_over, held = not foreign.shares_memory, own, False, None
    for draw in range(DRAWS):
        if is_over := thread_time() - since > MOST_SECONDS:
            break
        try:
            if held is None:
                with OwnRun(0, finest, spread=0.0) as run:
                    again()
                held = tuple(run.decisions.made)
            with own_run(draw, finest, held) as run:
                found = again()
            run.look_at(found.values())
            sees_all &= run.sees_all
            still = {name: each for name, each in still.items() if not each.is_explained(found[name])}
        except Exception:  # it is the user's code
            return {}
        still = {name: each for name, each in still.items() if not each.is_hopeless()}
        if not still or not (sees_all or any(each.farthest[""].any() for each in still.values())):
            break  # what is not seen is not moved
    explained = {name: "" for name, each in own.items() if each.is_inside()}
    if is_over:
        explained |= {name: TOO_SLOW for name, each in still.items() if not each.is_hopeless(is_last=True)}
    if sees_all:
        return explained
    if by_another and (rest := {name: each for name, each in own.items() if name not in explained}):
        explained |= dict.fromkeys(by_another(rest), "")
    unseen = {name: UNSEEN for name, each in own.items() if _is_off_by_roundings(each)}
    return unseen | explained


def _is_repeatable(own: Mapping[str, OwnDraws], again: Again) -> bool:
    """Whether the code makes the same numbers again: what changes by itself is moved by no rounding."""
    try:
        found = again()
        return all(each.is_again(found[name]) for name, each in own.items())
    except Exception:  # it is the user's code
        return False


def _drawn(value: Tensor, movement: Movement, name: str) -> OwnDraws:
    bounds = {"": movement.bound(name), **movement.sum_bounds(name)}
    return OwnDraws(value, movement.expected[name], bounds)


def _is_off_by_roundings(own: OwnDraws) -> bool:
    """Whether no element is off by more than NEAR roundings of the largest, of float32 or finer."""
    finest = min(unit(torch.float32), unit(own.dtype))
    last = unit(own.dtype) * own.expected.abs()
    off = own.off[""].where(own.off[""] > own.bounds[""], 0.0)
    return bool((off <= NEAR * finest * own.expected.abs().max() + last).all())


def _row(row: Row, loses_digits: str, accepts: bool) -> Row:
    if loses_digits == TOO_SLOW:
        return replace(row, verdict=Verdict.INCONCLUSIVE, explanation=TOO_SLOW)
    if loses_digits and not accepts:
        return replace(row, verdict=Verdict.LOSES_DIGITS, explanation=loses_digits)
    explanation = f"{Verdict.LOSES_DIGITS}, which is accepted" if loses_digits else EXPLAINED
    row = replace(row, index=() if row.part else row.index)  # a sum's is that of no element
    return replace(row, verdict=Verdict.AGREES, explanation=explanation, wrong_elements=0, part="")


def _is_near(value: Tensor, movement: Movement, name: str, again: Again, finest: float) -> bool:
    """Whether it is off by a few roundings of the largest element, or of all that adds up to it.

    What the forward pass hands on is off by a rounding in any right derivation, and counts: the gradient of a
    norm of two columns, 1e-5 where 160 was normalised, moves by more than its own terms are.
    """
    expected = movement.expected[name]
    if not value.numel() or not value.isfinite().all() or not expected.isfinite().all():
        return False
    off = difference(value, expected).abs()
    off = off.where(off > movement.bound(name), 0.0).amax()  # the last rounding may be a coarser one
    return bool(off <= NEAR * finest * expected.abs().amax()) or float(off) <= reach(
        value, movement, name, again, finest
    )


def reach(value: Tensor, movement: Movement, name: str, again: Again, finest: float) -> float:
    """How far off what is near may be: a few roundings of the largest term."""
    if bool(sizes_of_terms(movement, name).any()):
        size = sizes_of_terms(movement, name, of_outputs=True).amax()
    else:  # of an output
        size = _sizes(value, finest, again, name)
    return NEAR * finest * float(size)


def _sizes(value: Tensor, finest: float, again: Again, name: str) -> Tensor:
    """How large the terms of the code itself are, where the reference has none, by coarse roundings."""
    try:
        with OwnRun(0, finest, spread=COARSE / finest):
            return difference(again()[name].detach(), value.double()).abs().amax() / COARSE
    except Exception:  # it is the user's code
        return torch.zeros((), dtype=torch.float64, device="cpu")
