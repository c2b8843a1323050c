"""What a backward pass makes again of the forward pass, under the same name, and otherwise."""

from collections.abc import Sequence

import torch
from torch import Tensor

from torch_reference.chain.recording.passes import Passes
from torch_reference.chain.recording.tracing import Made


def otherwise(passes: Passes, in_any_shape: bool = False) -> tuple[Made, ...]:
    """The variables of the backward pass with a name and a shape of the forward pass, and no such value.

    In any shape also those that have another one there. What the backward pass was handed is the forward
    pass's own under its first name, and what a helper is called with has another name where it was made.
    """
    values: dict[str, list[Tensor]] = {}
    for made in passes.forward:
        values.setdefault(made.name, []).append(made.value)
    first: dict[tuple[int, int], str] = {}
    for made in passes.backward:
        first.setdefault(made.identity, made.name)
    codes = {call.number: call.code for call in passes.backward_calls}
    found: dict[str, Made] = {}
    for made in passes.backward:
        every = values.get(made.name, ())
        same = [value for value in every if value.shape == made.value.shape]
        is_argument = codes.get(made.call, made.code) is not made.code
        is_handed = made.identity[0] in passes.handed_in and first[made.identity] == made.name
        has_a_name_there = bool(every if in_any_shape else same)
        if has_a_name_there and not (is_argument or is_handed or _is_one_of(made.value, same)):
            found.setdefault(made.name, made)
    return tuple(found.values())


def _is_one_of(value: Tensor, others: Sequence[Tensor]) -> bool:
    if not value.is_floating_point():
        return any(torch.equal(value, other) for other in others)
    close, exact = torch.finfo(value.dtype).eps ** 0.5, value.double()
    return any(bool((exact - other).norm() <= close * exact.norm()) for other in others)
