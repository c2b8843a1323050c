"""Another option together with other inputs: of another sign, with zeros, equal, a thousand times as large.

A power's derivative by |x| is right at an exponent of 3 whatever the sign, and at positive numbers whatever
the exponent.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from torch_reference.check.ways import points
from torch_reference.check.ways.elsewhere import corners, numbers
from torch_reference.check.ways.elsewhere.options.option import Option
from torch_reference.check.ways.elsewhere.options.read import is_read
from torch_reference.check.ways.layouts import LAYOUTS, in_layout
from torch_reference.check.ways.session import Attempt, Session
from torch_reference.judging.calls.nests import tensors_of
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.hygiene import copies

INPUTS: Mapping[str, Callable[[Session], Iterator[Attempt]]] = {
    "signs": numbers.with_signs,
    "zeros": numbers.with_zeros,
    "zero rows": corners.at_zero_rows,
    "equal values": points.with_equals,
    "scales": points.with_scales,
    **{
        name: partial(in_layout, LAYOUTS[name][1], LAYOUTS[name][0])
        for name in ("transposed", "channels last", "sliced rows")
    },
}
"""The ways that change inputs, by name."""


class Another(NamedTuple):
    """A session with another option, what is told of it, and what an error of the backward is there.

    value is what stands in the option's place; warns says that what is wrong there is no mistake, is_nothing
    that it is 0, is_known that it is read wherever it is, and is_read that it is as it was given.
    """

    session: Session
    told: str
    on_error: str
    option: Option | None = None
    value: Any = None
    warns: bool = False
    is_nothing: bool = False
    is_known: bool = False
    is_read: bool = False


def at_other_inputs(session: Session, another: Another) -> Iterator[Attempt]:
    """Its attempts at them, where the reference reads the option there.

    Of an exponent of 0 and a base of 0 together, and what else needs two zeros, a report warns. What has
    another option in mind may have the same values by chance, at 0. Where all is right nobody asks. A layout
    and a number that is no integer have little to do with each other: the first such will do.
    """
    has_its_values = cache(partial(_has_its_values, another.session))  # asked of what is read alone
    for name, way in INPUTS.items():
        warns = another.warns or (another.is_nothing and name in ("zeros", "zero rows"))
        for attempt in way(another.session):
            inputs = {each: attempt.point[each] for each in another.session.inputs}
            counts = cache(partial(_is_read, session, another, inputs))
            if (another.is_read or counts()) and has_its_values():
                yield attempt._replace(
                    what=f"{another.told}, {attempt.what}",
                    session=another.session,
                    may_refuse=True,
                    own_values=True,
                    on_error=another.on_error,
                    warns=attempt.warns or warns,
                    counts=counts,
                    only_smooth=name != "equal values",  # each number's kink is known from what was given
                    also_in=name,
                )


def _has_its_values(session: Session) -> bool:
    """Whether the function has the reference's values there, but for roundings, and they are finite."""
    try:
        made = tensors_of(session.function.outputs(copies(session.inputs), ()))
        right, _ = session.objective.looked_at(session.inputs, ())
    except UserCodeError:
        return False
    return all(
        made[name].shape == value.shape
        and value.isfinite().all()
        and torch.allclose(made[name].to(value.dtype), value, rtol=2**-5, atol=2**-5, equal_nan=True)
        for name, value in right.items()
        if name in made
    )


def _is_read(session: Session, another: Another, inputs: dict[str, Tensor]) -> bool:
    try:
        return another.is_known or is_read(session, another.session.objective, inputs)
    except UserCodeError:  # outside of the domain of what was given
        return False
