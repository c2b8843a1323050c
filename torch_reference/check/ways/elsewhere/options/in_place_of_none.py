"""What is tried in the place of None: a number, and tensors of the shapes that inputs and outputs have.

A bias, a mask, a scale, a residual or a weight for each class, which a function is first tried without.
"""

from collections.abc import Iterator

import torch

from torch_reference.check.ways.session import Session
from torch_reference.judging.calls.nests import tensors_of
from torch_reference.layers.own_generator import own_generator

NUMBER = 0.75


def in_place_of_none(session: Session) -> Iterator[float | torch.Tensor]:
    """A number, then tensors of numbers, then of truth values.

    On a GPU the number alone: a kernel believes a shape, and one that reads beyond a tensor ends its use.
    """
    yield NUMBER
    like = session.inputs[session.wanted[0]]
    if not all(value.is_cpu for value in session.inputs.values()):
        return
    shapes = list(_shapes(session))
    generator = own_generator(0)
    for shape in shapes:
        yield (0.25 + torch.rand(shape, generator=generator, dtype=torch.float64, device="cpu")).to(
            like.dtype
        )
    for shape in shapes:  # the first of a row is always true, as what sees itself
        truths = torch.rand(shape, generator=generator, device="cpu") < 0.5
        truths[..., 0] = True
        yield truths


def _shapes(session: Session) -> dict[tuple[int, ...], None]:
    """As a whole, for each column, for each row, for each channel, and as one between rows of two."""
    values = [*session.data.values(), *tensors_of(session.plain.outputs).values()]
    several = [value for value in values if value.is_floating_point() and value.ndim and value.numel()]
    rows = dict.fromkeys(value.shape[-2] for value in several if value.ndim > 1)
    shapes = [tuple(value.shape) for value in several]
    shapes += [(value.shape[dim],) for value in several for dim in {-1, 0, min(1, value.ndim - 1)}]
    return dict.fromkeys([*shapes, *((one, other) for one in rows for other in rows)])
