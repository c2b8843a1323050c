"""Where a reference has one derivative: at no kink, and inside of the domain, not at its border."""

from collections.abc import Collection, Mapping
from typing import Any

from torch import Tensor

from torch_reference.check.ways.session import Attempt, Session
from torch_reference.judging.calls.arguments import Tensors
from torch_reference.judging.calls.nests import tensors_of
from torch_reference.judging.calls.own_generator import own_generator
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.derivation_task import normal
from torch_reference.judging.function_objective import FunctionObjective
from torch_reference.judging.scalar_objective import reference_gradients

ASIDE = 2.0**-30
"""How far beside a corner the reference must have a gradient, for it to be no border of what it takes."""


def is_smooth(session: Session, point: Tensors) -> bool:
    """Whether the reference's gradient is nearly the same on two sides of the point, in float64.

    At a kink, as where two maxima are equal, several gradients are right. Constants are moved as well, unless
    the reference takes no others, as no target above 1, and no power of a negative number.
    """
    exact = _in_float64(point)
    names = {name: tuple(point[name].shape) for name in session.wanted}
    try:
        here = reference_gradients(session.objective, exact, names)
        if getattr(session.objective.function, "finds_kinks", False):
            return True  # a difference quotient raises an error there
        sides = [_gradients_beside(session, exact, names, aside) for aside in (1e-9, -1e-9)]
    except UserCodeError:
        return False
    return all(_are_alike(here[name], there[name]) for name in names for there in sides)


def _are_alike(one: Tensor, other: Tensor) -> bool:
    return not one.numel() or bool(((one - other).abs() <= 1e-5 * (1e-3 + one.abs().amax())).all())


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
