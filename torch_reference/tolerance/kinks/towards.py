"""Sides towards a value: where the reference's own draws beside a point may not reach all that is right.

Each output is a function of its own, and its gradient at a kink any mixture of its sides: each window of an
overlapping pool may choose any of its equals. What few draws show of so many choices is not all. So of an
element that lies outside, the end itself is looked for: a maximum whose upstream gradient is positive gives
an element most where the element is moved up, and one whose upstream gradient is negative where it is down.
"""

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from torch_reference.tolerance.gradient_sums import sums
from torch_reference.tolerance.kinks.beside import NEXT_TO_ZERO, STEP, Side, discarded, least_jump
from torch_reference.tolerance.kinks.hulls import Hull, hulls
from torch_reference.tolerance.kinks.pools import by_signs
from torch_reference.tolerance.movement import Movement, Tensors

STEPS = 16.0
"""So many steps the farthest number is moved, so that others, moved by less, are moved to other places."""
TURNS, IN_VAIN = 60, 12
"""No more of them than that, nor as soon as so many in a row have brought nothing."""
ALONE, TOGETHER, AMONG_OTHERS = range(3)
KINDS = ALONE, TOGETHER, AMONG_OTHERS, AMONG_OTHERS, AMONG_OTHERS, AMONG_OTHERS
"""What is moved in turn: the element that is farthest outside, all that are, all others at random, too."""


def hulls_towards(
    here: Movement, others: list[Side], name: str, value: Tensor
) -> tuple[Hull, dict[str, Hull]]:
    """The hulls of a gradient and of its sums, with sides that reach towards a value that is outside.

    Shapes: value has that of the gradient
    """
    found = hulls(here, others, name)
    if name not in here.exact_inputs or value.is_complex():
        return found
    further = [
        side for side in _towards(here, name, value, found[0]) if _keeps_sums(side, here, name, found[1])
    ]
    return hulls(here, [*others, *further], name) if further else found


def _keeps_sums(side: Side, here: Movement, name: str, totals: dict[str, Hull]) -> bool:
    """Whether each sum that is the same on all other sides is so on this one: one kink has one side."""
    expected = here.expected[name]
    for which, off in sums(side.movement.expected[name] - expected, expected):
        hull = totals[which]
        is_one = hull.upper - hull.lower <= hull.bound
        if bool((is_one & ((off - hull.nearest(off)).abs() > hull.bound)).any()):
            return False
    return True


def _towards(here: Movement, name: str, value: Tensor, hull: Hull) -> Iterator[Side]:
    """Sides on which elements reach as far as the value, of those that are outside."""
    expected, bound = here.expected[name], here.bound(name)
    generator = torch.Generator("cpu").manual_seed(0)
    left: list[float] = []
    for turn in range(TURNS):
        off = value - hull.nearest(value)
        outside = (off.abs() - hull.bound).clamp(min=0.0).nan_to_num(0.0)
        left.append(float(outside.sum()))
        if not left[-1] or left[-1:] == left[-1 - IN_VAIN : -IN_VAIN]:
            return
        kind, found = KINDS[turn % len(KINDS)], list[Side]()
        for direction in _directions(kind, off, outside, generator):
            with discarded():
                side = _side(here, name, direction)
                there = side.values(name, expected, bound)
                lower, upper = torch.minimum(hull.lower, there), torch.maximum(hull.upper, there)
                hull = hull._replace(lower=lower, upper=upper)
                found += [side] if bool((there != expected).any()) else []
        if kind == ALONE and not found:  # a gradient jumps along the normal of its kink: here is none
            return
        yield from found


def _directions(kind: int, off: Tensor, outside: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Where the elements are moved, to and fro, by at most 1.

    Shapes: those of off and outside
    """
    if kind == ALONE:
        found = torch.zeros_like(off, memory_format=torch.contiguous_format)
        found.view(-1)[int(outside.argmax())] = off.flatten()[int(outside.argmax())].sign()
        return found, -found
    random = torch.rand(off.shape, generator=generator, device="cpu").to(off)
    others = random.mul(2).sub_(1) if kind == AMONG_OTHERS else torch.zeros_like(off)
    found = torch.where(outside > 0, off.sign() * (random + 1) / 2, others)
    return found, -found


def _side(here: Movement, name: str, direction: Tensor) -> Side:
    """The reference as it is above of what is upstream and positive, and below of what is negative.

    What a step changes where nothing turns, two of them change twice.
    """
    of_a_loss = all(here.inputs[each].numel() == 1 for each in here.upstream)

    def at(steps: float, values: Tensors) -> Tensors:
        if of_a_loss:
            return by_signs(
                lambda: here.reference(_to(values, name, steps * direction)),
                lambda: here.reference(_to(values, name, -steps * direction)),
            )
        above = here.reference(_moved(here, values, name, steps * direction, positive=True))
        below = here.reference(_moved(here, values, name, -steps * direction, positive=False))
        return {each: made + below[each] if each in values else made for each, made in above.items()}

    there, farther = (Movement(partial(at, steps), here.exact_inputs) for steps in (STEPS, 2 * STEPS))
    there.expected = {each: 2 * near - farther.expected[each] for each, near in there.expected.items()}
    there.coarsest, there.dtypes, there.in_float64 = here.coarsest, here.dtypes, True
    return Side(there, STEPS * least_jump(here))


def _moved(here: Movement, values: Tensors, name: str, direction: Tensor, positive: bool) -> Tensors:
    upstream = {each: _part(values[each], positive) for each in here.upstream}
    return {**_to(values, name, direction), **upstream}


def _to(values: Tensors, name: str, direction: Tensor) -> dict[str, Tensor]:
    """The point, moved so many steps."""
    value = values[name]
    return {**values, name: value + direction * torch.where(value == 0, NEXT_TO_ZERO, value.abs() * STEP)}


def _part(value: Tensor, positive: bool) -> Tensor:
    return value.clamp(min=0) if positive else value.clamp(max=0)
