"""Tensors of whole numbers, as exponents and counts are: others in their place.

A power's derivative is another at an exponent of 0. One number, or one for all, is an option of the call.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from torch_reference.check.ways.elsewhere.indices import from_the_end, may_be_negative
from torch_reference.check.ways.elsewhere.numbers import few_wanted, inputs_with, of_another_kind
from torch_reference.check.ways.elsewhere.options.other_inputs import Another, at_other_inputs
from torch_reference.check.ways.elsewhere.partitions import partitions
from torch_reference.check.ways.session import Attempt, Session
from torch_reference.judging.derivation_task import is_one_number
from torch_reference.tolerance.rounding.exact_results import is_whole
from torch_reference.tolerance.rows.by_rows import INDICES

WHOLE = (0, 1, -1, 2)


def at_whole_numbers(session: Session) -> Iterator[Attempt]:
    """Other whole numbers in each input alone that has such; then of one number, at other inputs.

    None below 0 that may be an index into what nobody looks at, nor one that is counted from the end, which
    has a way of its own; nor above all that were given.
    """
    apart = partitions(session.inputs)
    for name, value in session.inputs.items():
        is_index = value.dtype in INDICES and name not in apart
        is_one = value.numel() == 1 or is_one_number(value)
        is_moved = is_one or name in few_wanted(session)
        if not (is_index or (is_moved and is_whole(value))) or not value.numel():
            continue
        kinds = _indices(session, name) if is_index else WHOLE
        choices = [(kind,) for kind in kinds if kind != value.flatten()[0]] if is_one else [kinds]
        points = []
        for chosen in choices:
            told = f"at {'whole numbers' if len(chosen) > 1 else chosen[0]} in {name}"
            points.append((told, inputs_with(session, [name], partial(_any_of, chosen)), chosen))
            yield from of_another_kind(session, told, points[-1][1])
        if is_one and name not in session.wanted:
            for told, inputs, chosen in points:
                there = replace(session, point={**session.point, **inputs})
                is_nothing = chosen == (0,)
                another = Another(there, told, "warns", is_nothing=is_nothing, is_known=True)
                yield from at_other_inputs(session, another)


def _indices(session: Session, name: str) -> tuple[int, ...]:
    may_be = may_be_negative(session) and next(from_the_end(session, name), None) is None
    kinds = WHOLE if may_be else tuple(kind for kind in WHOLE if kind >= 0)
    return tuple(kind for kind in kinds if kind <= max(1, int(session.inputs[name].max())))


def _any_of(kinds: tuple[int, ...], value: Tensor, generator: torch.Generator) -> Tensor:
    chosen = torch.randint(len(kinds), value.shape, generator=generator, device=generator.device)
    return torch.tensor(kinds, dtype=value.dtype, device=value.device)[chosen.to(value.device)]
