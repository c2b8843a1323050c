"""What the code says of its roundings where its operations are not seen: it runs in another precision, too.

A mistake is of the same size in float32 and float64, and in 16 bits; a rounding is not. g − g p, by numpy, is
off by one of g whatever p is, and so it is in float32, at the same elements, by one of float32. So code that
torch does not see through is run in the other of the two (what is of 16 bits, in float32), at inputs that
differ a little from draw to draw; how far off it is there, counted in roundings, is how far its own move it
here: a draw as those of own_roundings.py are, whose roundings are 3.5 times as large.
What all of a result loses (0 for e⁻²⁵⁰, where 1 was added and taken away) shows no such ratio: at points that
nobody gave it is taken for rounding where it is one of the largest element, in both precisions.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from torch_reference.tolerance.differences import difference
from torch_reference.tolerance.gradient_sums import sums
from torch_reference.tolerance.movement import DRAWS, Movement, Tensors
from torch_reference.tolerance.own_code.own_draws import OwnDraws
from torch_reference.tolerance.rounding.exact_run import ExactRun, widened_inputs
from torch_reference.tolerance.rounding.roundings import HALF, SPREAD, unit
from torch_reference.tolerance.second_look import sizes_of_terms

FINE = {torch.float64: torch.float32, torch.float32: torch.float64}
OTHER = FINE | dict.fromkeys(HALF, torch.float32)
NEAR = 64.0
"""Off by so many times as many roundings there as here, and of the largest element, it is a mistake, or
out of its domain."""
OF_LARGEST = 4.0
"""So many roundings of the largest element are one that is added to all, and taken away."""
BESIDE = 2.0**-6
"""So far from the inputs their roundings are others: what a large term leaves of 1e-4 is a step or none."""
ROUNDINGS = 0.43
"""The standard deviation of a rounding, in units of u, where those of a draw have SPREAD."""
GRID = 2.0**8
"""What has multiples of its inverse alone, as indices, labels and masks are, stays what it is; in 16 bits,
where most numbers are some, what has whole numbers alone."""

Derive = Callable[[Tensors], Mapping[str, Tensor]]


def explained_by_another(
    own: Mapping[str, OwnDraws], movement: Movement, derive: Derive, anywhere: bool
) -> list[str]:
    """Those that are within what the code is off in the other precision, and its own draws so far.

    Shapes: derive makes them anew, of other inputs
    """
    other = OTHER.get(movement.coarsest)
    if other is None:
        return []
    scale = SPREAD / ROUNDINGS * unit(movement.coarsest)
    still, found = dict(own), list[str]()
    for each in own.values():
        each.outside.clear()  # these draws are of another kind
    for draw in range(DRAWS):
        try:
            off = _off(still, movement, derive, other, draw)
        except Exception:  # it is the user's code, at other numbers
            break
        for name, there in off.items():
            each = still[name]
            if anywhere and not draw:
                _allow_roundings_of_the_largest(each, movement, name, there)
            here = each.off[""] / unit(movement.coarsest)
            noise = NEAR * torch.maximum(here, each.expected.abs().amax())
            if each.is_explained(each.value + scale * there.where(there.abs() <= noise, 0.0)):
                found.append(name)
        still = {name: each for name, each in still.items() if name not in found and not each.is_hopeless()}
        if not still:
            break
    return found


def moved_by_another(found: Tensors, movement: Movement, derive: Derive, seed: int) -> dict[str, Tensor]:
    """What was found in float64, moved as the code's own roundings do: by how far they are off in float32.

    Shapes: derive makes what was found of other inputs
    """
    point, other = _beside(movement.inputs, torch.float32, seed), torch.float32
    scale = SPREAD / ROUNDINGS * unit(movement.coarsest) / unit(other)
    made, wide = derive(point), derive(widened_inputs(point))
    return {name: value + scale * (made[name] - wide[name]).detach() for name, value in found.items()}


def _off(
    names: Mapping[str, OwnDraws], movement: Movement, derive: Derive, other: torch.dtype, seed: int
) -> dict[str, Tensor]:
    """How far off the code is in the other precision, in its roundings."""
    point = _beside(movement.inputs, other, seed)
    made = derive(point)
    with ExactRun():
        right = movement.reference(widened_inputs(point))
    return {name: difference(made[name].detach(), right[name]) / unit(other) for name in names}


def _beside(inputs: Tensors, other: torch.dtype, seed: int) -> dict[str, Tensor]:
    """The inputs in the other precision, all numbers moved a little where they are no round ones."""
    generator, point = torch.Generator().manual_seed(seed), {}
    for name, value in inputs.items():
        if value.dtype in OTHER:
            drawn = torch.randn(value.shape, generator=generator, dtype=torch.float64).to(value.device)
            grid = 1.0 if value.dtype in HALF else GRID
            is_round = bool(((value * grid).frac() == 0).all())
            value = (value.double() * (1.0 if is_round else 1 + BESIDE * drawn)).to(other)
        point[name] = value
    return point


def _allow_roundings_of_the_largest(own: OwnDraws, movement: Movement, name: str, there: Tensor) -> None:
    """Let elements be off by roundings of the largest, or of what is added up to one, if they are so there.

    Shapes: there, how far off they are in the other precision, in its roundings
    """
    largest = OF_LARGEST * torch.maximum(own.expected.abs().amax(), sizes_of_terms(movement, name).amax())
    allowed = torch.where(there.abs() <= largest, unit(own.dtype) * largest, 0.0)
    totals = {"": allowed, **dict(sums(allowed, allowed))}
    own.bounds = {which: bound + totals.get(which, 0.0) for which, bound in own.bounds.items()}
