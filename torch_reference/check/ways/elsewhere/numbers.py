"""Numbers of another kind than those given: of the other sign, or with a zero among them.

A product's derivative is another where one factor is 0, and a remainder's below 0. Nobody sees it where all
are positive.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from torch_reference.check.ways.elsewhere.resizing import with_its_rows
from torch_reference.check.ways.points import Change, at_point, changed
from torch_reference.check.ways.session import Attempt, Session
from torch_reference.check.ways.sizes import MOST_WANTED
from torch_reference.judging.calls.arguments import Tensors
from torch_reference.judging.derivation_task import is_symmetric, normal
from torch_reference.layers.own_generator import own_generator


def with_zeros(session: Session) -> Iterator[Attempt]:
    """Some exact zeros; then the same in inputs of one shape, as of a logarithm that 0 is times.

    At last one alone in each input, elsewhere in each: of a product that of the others is not 0 there.
    """
    yield from changed(session, "at inputs with exact zeros", _some_zero)
    names = [name for name in few_wanted(session) if _is_without_zeros(session.inputs[name])]
    shapes = [session.inputs[name].shape for name in names]
    alike = [name for name, shape in zip(names, shapes, strict=True) if shapes.count(shape) > 1]
    if alike:
        inputs = {**session.inputs, **{name: _one_zero(session.inputs[name], 0) for name in alike}}
        yield from at_point(session, f"at a zero in one place of {', '.join(alike)}", inputs)
    if names:
        own = {name: _one_zero(session.inputs[name], place) for place, name in enumerate(names, 1)}
        yield from at_point(session, f"at one zero in {', '.join(names)}", {**session.inputs, **own})


def with_signs(session: Session) -> Iterator[Attempt]:
    """The other sign of half of the numbers, where all have one: of all such inputs, then of each alone."""
    names = [name for name in few_wanted(session) if _have_one_sign(session.inputs[name])]
    for chosen in [names, *([name] for name in names)] if len(names) > 1 else [names]:
        if chosen:
            told = f"with the other sign of numbers of {', '.join(chosen)}"
            yield from of_another_kind(session, told, inputs_with(session, chosen, _signs_turned))


def few_wanted(session: Session) -> tuple[str, ...]:
    """Those whose gradients are asked for; none of a module with many parameters."""
    return session.wanted if len(session.wanted) <= MOST_WANTED else ()


def inputs_with(session: Session, names: list[str], change: Change) -> dict[str, Tensor]:
    generator = own_generator(0)
    return {**session.inputs, **{name: change(session.inputs[name], generator) for name in names}}


def of_another_kind(session: Session, told: str, inputs: Tensors) -> Iterator[Attempt]:
    """The attempt there: of other values than the reference's it is another function, and nothing is known.

    What is one number for many, as a gain, a width or a threshold, may have no other sign: a report warns.
    """
    of_rows = with_its_rows(session)
    may_be = all(name in of_rows for name, value in inputs.items() if value is not session.inputs[name])
    for attempt in at_point(session, told, inputs):
        yield attempt._replace(own_values=True, may_refuse=True, on_error="warns", warns=not may_be)


def _have_one_sign(value: Tensor) -> bool:
    return bool(value.any()) and bool((value >= 0).all() | (value <= 0).all())


def _signs_turned(value: Tensor, generator: torch.Generator) -> Tensor:
    turned = normal(value, generator) > 0
    turned.view(-1)[0] = True
    return torch.where(turned, -value, value)


def _some_zero(value: Tensor, generator: torch.Generator) -> Tensor:
    if not value.is_floating_point() or value.ndim == 0:
        return value
    return torch.where(normal(value, generator) > 0.7, torch.zeros_like(value), value)


def _is_without_zeros(value: Tensor) -> bool:
    return value.numel() > 1 and bool(value.all())


def _one_zero(value: Tensor, place: int) -> Tensor:
    """A zero in that place; on the other side of the diagonal, too, of what is symmetric."""
    found = value.clone(memory_format=torch.contiguous_format)
    found.view(-1)[place % value.numel()] = 0
    return torch.where(found.mT == 0, 0, found) if is_symmetric(value) else found
