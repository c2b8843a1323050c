"""Sides towards a value: where the reference's own draws beside a point may not reach all that is right.

Each output is a function of its own, and its gradient at a kink any mixture of its sides: each window of an
overlapping pool may choose any of its equals. What few draws show of so many choices is not all. So of an
element that lies outside, the end itself is looked for: a maximum whose upstream gradient is positive gives
an element most where the element is moved up, and one whose upstream gradient is negative where it is down.
"""

from functools import partial

import torch
from torch import Tensor

from torch_reference.tolerance.gradient_sums import sums
from torch_reference.tolerance.kinks.beside import NEXT_TO_ZERO, STEP, Side, discarded, least_jump
from torch_reference.tolerance.kinks.hulls import Hull, ends, hulls
from torch_reference.tolerance.kinks.kept import without_what_is_kept
from torch_reference.tolerance.kinks.pools import by_signs
from torch_reference.tolerance.movement import Movement, Tensors
from torch_reference.tolerance.rounding.roundings import unit

STEPS = 256.0
"""So many steps the farthest number is moved, so that others, moved by less, are moved to other places."""
TURNS, MORE, NUMBERS, IN_VAIN = 60, 2000, 2**22, 12
"""So many turns; more where the inputs are small, until all turns have moved so many numbers; none after so
many in a row that brought nothing. Of a hundred equals each is the largest in a turn of its own."""
ROUNDINGS, ADDITIONS = 2.0, 16.0
"""Of each share of what is split: its own and its product's with the whole; and those of sums made here, of
which torch adds sixteen numbers one after another, and then such sums."""
EACH = 6
"""In the first of so many turns the element that is farthest outside moves alone; in the others, all do."""


def hulls_towards(
    here: Movement, others: list[Side], name: str, value: Tensor
) -> tuple[Hull, dict[str, Hull]]:
    """The hulls of a gradient and of its sums, with sides that reach towards a value that is outside.

    Shapes: value has that of the gradient
    """
    elements, totals = hulls(here, others, name)
    if name not in here.exact_inputs or value.is_complex():
        return elements, totals
    expected = here.expected[name]
    totals = _split(here, name, value, totals)
    if _changes_a_sum(value - expected, expected, elements, totals):
        return elements, totals
    found, is_done = _towards(here, name, value, elements)
    further = [
        side
        for side in found
        if not _changes_a_sum(side.movement.expected[name] - expected, expected, elements, totals, side.least)
    ]
    if further:
        elements, totals = hulls(here, [*others, *further], name)
        totals = _split(here, name, value, totals)
    if not is_done:
        for which, hull in totals.items():
            bound = hull.bound.where(_is_one(hull, elements, expected, which), torch.inf)
            totals[which] = hull._replace(bound=bound)
    sides = (side.movement.expected[name] for side in [*others, *further])
    totals = without_what_is_kept(totals, elements, sides, expected, value)
    return (elements if is_done else elements.opened()), totals


def _split(here: Movement, name: str, value: Tensor, totals: dict[str, Hull]) -> dict[str, Hull]:
    """The hulls of the sums, where shares are rounded: a reference that hands on the whole rounds nothing."""
    expected = here.expected[name]
    shares = torch.where((value - expected).abs() > here.bound(name), value.abs(), 0.0)
    relative = ROUNDINGS * unit(here.coarsest) + ADDITIONS * unit(torch.float64)
    rounded = dict(sums(relative * shares, expected.abs()))
    return {which: hull._replace(bound=hull.bound + rounded[which]) for which, hull in totals.items()}


def _changes_a_sum(
    off: Tensor, expected: Tensor, elements: Hull, totals: dict[str, Hull], least: float = 1.0
) -> bool:
    """Whether it has another sum where all sides, whose elements differ, have one: a kink has one side."""
    for which, total in sums(off, expected):
        hull = totals[which]
        is_far = (total - hull.nearest(total)).abs() > least * hull.bound
        if bool((is_far & _is_one(hull, elements, expected, which)).any()):
            return True
    return False


def _is_one(hull: Hull, elements: Hull, expected: Tensor, which: str) -> Tensor:
    """Where a sum is the same on all sides, on which its elements are not; nowhere before one has turned."""
    least, most = ends(elements, expected, which)
    return (hull.upper - hull.lower <= hull.bound) & (most - least > hull.bound)


def _towards(here: Movement, name: str, value: Tensor, hull: Hull) -> tuple[list[Side], bool]:
    """(sides on which elements reach as far as the value, of those that are outside; whether it took all).

    Behind a linear map a step of what is small is none beside the others': such is moved as they are, then.
    """
    found, is_done, hull = _in_turns(here, name, value, hull)
    if is_done and bool(_outside(value, hull)[1].any()):
        size = float(here.exact_inputs[name].abs().mean())
        further, is_done, hull = _in_turns(here, name, value, hull, size)
        found += further
    return found, is_done


def _outside(value: Tensor, hull: Hull) -> tuple[Tensor, Tensor]:
    off = value - hull.nearest(value)
    return off, (off.abs() - hull.bound).clamp(min=0.0).nan_to_num(0.0)


def _in_turns(
    here: Movement, name: str, value: Tensor, hull: Hull, size: float = 0.0
) -> tuple[list[Side], bool, Hull]:
    """The same, and the hull: of steps of each element, or where it is smaller, of so large a one."""
    expected, bound = here.expected[name], here.bound(name)
    generator = torch.Generator("cpu").manual_seed(0)
    left, sides = list[float](), list[Side]()
    for turn in range(max(TURNS, min(MORE, NUMBERS // max(value.numel(), 1)))):
        off, outside = _outside(value, hull)
        left.append(float(outside.sum()))
        if not left[-1] or left[-1:] == left[-1 - IN_VAIN : -IN_VAIN]:
            return sides, True, hull
        is_alone, before = turn % EACH == 0, len(sides)
        for direction in _directions(is_alone, off, outside, generator):
            with discarded():
                side = _side(here, name, direction, size)
                there = side.values(name, expected, bound)
                lower, upper = torch.minimum(hull.lower, there), torch.maximum(hull.upper, there)
                is_further = bool((((lower < hull.lower) | (upper > hull.upper)) & (outside > 0)).any())
                hull = hull._replace(lower=lower, upper=upper)
                sides += [side] if bool((there != expected).any()) else []
                if is_further:  # else what is upstream has the other sign
                    break
        if is_alone and len(sides) == before:
            return sides, True, hull  # a gradient jumps along the normal of its kink: here is none
    return sides, False, hull


def _directions(
    is_alone: bool, off: Tensor, outside: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Where the elements are moved, to and fro, by at most 1.

    Shapes: those of off and outside
    """
    if is_alone:
        found = torch.zeros_like(off, memory_format=torch.contiguous_format)
        found.view(-1)[int(outside.argmax())] = off.flatten()[int(outside.argmax())].sign()
        return found, -found
    random = torch.rand(off.shape, generator=generator, device="cpu").to(off)
    found = torch.where(outside > 0, off.sign() * (random + 1) / 2, 0.0)
    return found, -found


def _side(here: Movement, name: str, direction: Tensor, size: float = 0.0) -> Side:
    """The reference as it is above of what is upstream and positive, and below of what is negative.

    What a step changes where nothing turns, two of them change twice; where other kinks turn, they do not.
    What is moved by more than a part of itself may change in any way, and counts where it stays.
    """
    moved = partial(_moved, here, name=name, size=size)
    of_a_loss = all(here.inputs[each].numel() == 1 for each in here.upstream)

    def at(steps: float, values: Tensors) -> Tensors:
        if of_a_loss:
            return by_signs(
                lambda: here.reference(moved(values, steps * direction)),
                lambda: here.reference(moved(values, -steps * direction)),
            )
        above = here.reference(moved(values, steps * direction, lowest=0.0))
        below = here.reference(moved(values, -steps * direction, highest=0.0))
        return {each: made + below[each] if each in values else made for each, made in above.items()}

    there, farther = (Movement(partial(at, steps), here.exact_inputs) for steps in (STEPS, 2 * STEPS))
    least = STEPS * least_jump(here)
    for each, near in there.expected.items():
        at_the_point = 2 * near - farther.expected[each]
        limit = least * here.bound(each)
        turns = (near - farther.expected[each]).abs() > limit
        turns &= (at_the_point - here.expected[each]).abs() > limit
        there.expected[each] = torch.where(turns, here.expected[each] if size else near, at_the_point)
    there.coarsest, there.dtypes, there.in_float64 = here.coarsest, here.dtypes, True
    return Side(there, least)


def _moved(
    here: Movement,
    values: Tensors,
    direction: Tensor,
    name: str,
    size: float,
    lowest: float = -torch.inf,
    highest: float = torch.inf,
) -> Tensors:
    """The point, moved so many steps, with that part of what is upstream."""
    value, upstream = values[name], {each: values[each].clamp(lowest, highest) for each in here.upstream}
    step = torch.where(value == 0, NEXT_TO_ZERO, value.abs() * STEP).clamp(min=size * STEP)
    return {**values, name: value + direction * step, **upstream}
