"""Where a reference has one derivative: at no kink, and inside of the domain, not at its border."""

from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import Tensor

from torch_reference.check.ways.session import Attempt, Session
from torch_reference.judging.calls.arguments import Tensors
from torch_reference.judging.calls.nests import tensors_of
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.derivation_task import normal
from torch_reference.judging.finding import Finding
from torch_reference.judging.function_objective import FunctionObjective
from torch_reference.judging.scalar_objective import reference_gradients
from torch_reference.layers.own_generator import own_generator
from torch_reference.tolerance.differences import difference
from torch_reference.tolerance.rows.by_rows import INDICES

ASIDE = 2.0**-30
"""How far beside a corner the reference must have a gradient, for it to be no border of what it takes."""

BESIDE, FARTHER = 1e-9, 8
"""How far beside a point a kink turns, and so many times as far."""


def is_smooth(session: Session, point: Tensors) -> bool:
    """Whether the reference's gradient is nearly the same on two sides of the point, in float64.

    Or another by what grows with the distance, as where a gradient is zero that the inputs are a factor of.
    At a kink, as where two maxima are equal, several gradients are right. Constants are moved as well, unless
    the reference takes no others, as no target above 1, and no power of a negative number.
    """
    exact = _in_float64(point)
    names = {name: tuple(point[name].shape) for name in session.wanted}
    try:
        here = reference_gradients(session.objective, exact, names)
        if getattr(session.objective.function, "finds_kinks", False):
            return True  # a difference quotient raises an error there
        for near in (BESIDE, -BESIDE):
            there = _gradients_beside(session, exact, names, near)
            jumps = {name: _jumps(here[name], there[name]) for name in names}
            if not any(bool(jump.any()) for jump in jumps.values()):
                continue
            farther = _gradients_beside(session, exact, names, FARTHER * near)
            if not all(_grows(here[name], there[name], farther[name], jumps[name]) for name in names):
                return False
    except UserCodeError:
        return False
    return True


def _jumps(here: Tensor, there: Tensor) -> Tensor:
    """Which numbers are another there, or none."""
    size = float(here.abs().amax()) if here.numel() else 0.0
    return ~((here - there).abs() <= 1e-5 * (1e-3 + size))


def _grows(here: Tensor, there: Tensor, farther: Tensor, jumps: Tensor) -> bool:
    """Whether these are so many times as far off where that is farther away; a jump is not."""
    return bool(((farther - here).abs() > FARTHER / 2 * (there - here).abs())[jumps].all())


def _gradients_beside(
    session: Session, exact: Tensors, names: Mapping[str, tuple[int, ...]], aside: float
) -> dict[str, Tensor]:
    try:
        found = reference_gradients(session.objective, _beside(exact, session.inputs, aside), names)
        if all(bool(value.isfinite().all()) for value in found.values()):
            return found
    except UserCodeError:
        pass
    return reference_gradients(session.objective, _beside(exact, session.wanted, aside), names)


def _in_float64(point: Tensors) -> dict[str, Tensor]:
    return {name: value.double() if value.is_floating_point() else value for name, value in point.items()}


def _beside(point: Tensors, moved: Collection[str], aside: float) -> dict[str, Tensor]:
    generator = own_generator(3)
    return {
        name: value + aside * (1 + value.abs()) * normal(value, generator)
        if value.is_floating_point() and name in moved
        else value
        for name, value in point.items()
    }


def is_inside(session: Session, name: str, point: Tensors) -> bool:
    """Whether the reference has a gradient on both sides of a point, in float64.

    A probability of 0 or 1 is at the border of what a cross-entropy takes: the derivative has a pole there,
    which the reference may keep finite, and nobody need.
    """
    exact = _in_float64(point)
    names = {other: tuple(point[other].shape) for other in session.wanted}
    try:
        for aside in (-ASIDE, ASIDE):
            found = reference_gradients(session.objective, {**exact, name: exact[name] + aside}, names)
            if not all(bool(value.isfinite().all()) for value in found.values()):
                return False
    except UserCodeError:
        return False
    return True


def are_finite(outputs: Mapping[str, Any]) -> bool:
    """Whether there are outputs and all are finite: at a pole nobody need have a gradient."""
    values = tensors_of(outputs).values()
    return bool(values) and all(bool(value.isfinite().all()) for value in values)


def is_in_domain(attempt: Attempt, objective: FunctionObjective, session: Session) -> bool:
    """Whether the reference has finite gradients there, of those that are asked for."""
    names = {name: tuple(attempt.point[name].shape) for name in session.wanted if name in attempt.point}
    try:
        found = reference_gradients(objective, attempt.point, names)
    except Exception:  # the reference is the user's
        return False
    return all(bool(value.isfinite().all()) for value in found.values())


def add_up_alike(manual: Tensors, objective: FunctionObjective, point: Tensors) -> bool:
    """Whether the numbers of each gradient add up to those of the reference, to half of the digits."""
    shapes = {name: tuple(point[name].shape) for name in manual}
    for name, right in reference_gradients(objective, point, shapes).items():
        if manual[name].shape != right.shape:
            return False
        off, half = difference(manual[name], right).sum().abs(), torch.finfo(right.dtype).eps ** 0.5
        if not off <= half * right.abs().sum():
            return False
    return True


def tells_nothing(attempt: Attempt, wrong: Collection[Finding], session: Session) -> bool:
    """Whether the reference says nothing of what is wrong there: of what it does not read.

    Of indices that it does not read others may be made, as the inverse of a permutation: where one is another
    they no longer belong together. And what it reads by its place, as a real and an imaginary part, has no
    more places than were given.
    """
    return _parts_indices(attempt, session) or (
        attempt.resized and bool(wrong) and all(_lies_beyond(each, attempt, session) for each in wrong)
    )


def _parts_indices(attempt: Attempt, session: Session) -> bool:
    indices = {name: value for name, value in session.inputs.items() if value.dtype in INDICES}
    others = [n for n, value in indices.items() if not torch.equal(value, attempt.point.get(n, value))]
    return bool(others) and any(
        bool(value.any()) and not _reads(name, value, session) for name, value in indices.items()
    )


def _reads(name: str, value: Tensor, session: Session) -> bool:
    """Whether the reference makes something else of other indices."""
    names = {other: tuple(session.point[other].shape) for other in session.wanted}
    try:
        found, other = (
            reference_gradients(
                session.objective, {**session.point, name: each}, names, outputs=tuple(session.plain.outputs)
            )
            for each in (value, torch.zeros_like(value))
        )
    except Exception:  # the reference is the user's
        return True
    return any(not torch.equal(found[each], other[each]) for each in found)


def _lies_beyond(one: Finding, attempt: Attempt, session: Session) -> bool:
    """Whether it is wrong where the reference, which read all that was given, reads nothing."""
    if one.name not in session.wanted or one.row.part:
        return False
    given, there = session.point[one.name], attempt.point[one.name]
    if given.ndim != there.ndim:
        return False
    [before], [found] = (
        reference_gradients(session.objective, point, {one.name: tuple(point[one.name].shape)}).values()
        for point in (session.point, attempt.point)
    )
    is_beyond = torch.ones_like(found, dtype=torch.bool)
    is_beyond[tuple(slice(length) for length in given.shape)] = False
    is_all_read = all(
        bool(before.movedim(dim, 0).flatten(1).any(1).all())
        for dim in range(given.ndim)
        if given.shape[dim] < there.shape[dim]
    )
    is_there = bool(is_beyond[one.row.index].all()) and one.row.wrong_elements <= int(is_beyond.sum())
    return is_all_read and is_there and not found[is_beyond].any()
