"""What a derivation does besides its arithmetic: changed inputs, shared memory, hidden state, a graph."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from torch_reference.comparison import Verdict

Tensors = Mapping[str, Tensor]
Derivation = Callable[[Tensors], Mapping[str, Tensor | None]]


class Observation(NamedTuple):
    """What a derivation returned, and its breaches by the name that they concern."""

    result: dict[str, Tensor]
    breaches: dict[str, tuple[Verdict, str]]


def observe(derivation: Derivation, point: Tensors, may_alias: tuple[str, ...] = ()) -> Observation:
    """Call the derivation twice on copies of the point, and look at what it did to them.

    Shapes: any; the copies have the strides of the originals, so that expanded and transposed tensors stay so
    Errors: TypeError for a derivation that returns no mapping of names to tensors
    """
    breaches: dict[str, tuple[Verdict, str]] = {}
    first = copies(point)
    result = checked_mapping(derivation(first))
    for name, before in point.items():
        if not _same(first[name], before):
            breaches[name] = (Verdict.MUTATED, "the derivation changed its input in place: work on a copy")
    for name, value in result.items():
        owner = next((key for key in first if key not in may_alias and _overlap(value, first[key])), None)
        if owner is not None:
            explanation = f"it shares memory with the input {owner}: return a new tensor, such as a clone"
            breaches[name] = (Verdict.ALIASED, explanation)
        if value.requires_grad:
            explanation = "it requires grad: autograd was at work, or a graph is kept; detach it"
            breaches[name] = (Verdict.REQUIRES_GRAD, explanation)
    result = {name: value.detach().clone() for name, value in result.items()}
    second = checked_mapping(derivation(copies(point)))
    for name, value in result.items():
        if name not in second or not _same(value, second[name].detach()):
            explanation = "two calls with the same arguments differ: something is accumulated or drawn anew"
            breaches.setdefault(name, (Verdict.UNSTABLE, explanation))
    return Observation(result, breaches)


def checked_mapping(result: object) -> dict[str, Tensor]:
    """The derivation's result as a dict without the entries that are None; TypeError if it is none."""
    if not isinstance(result, Mapping):
        raise TypeError(f"a derivation must return a mapping name -> tensor, found {type(result).__name__}")
    found = {name: value for name, value in result.items() if value is not None}
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise TypeError(
                f"a derivation must return a mapping name -> tensor, found {name!r}: {type(value).__name__}"
            )
    return found


def copies(point: Tensors) -> dict[str, Tensor]:
    """Copies with the same shape and strides; an expanded tensor stays expanded."""
    copies = {}
    for name, value in point.items():
        storage = value.detach().untyped_storage().clone()  # type: ignore[no-untyped-call] # torch leaves it untyped
        copy = value.new_empty(0)
        copies[name] = copy.set_(storage, value.storage_offset(), value.shape, value.stride())
    return copies


def _same(a: Tensor, b: Tensor) -> bool:
    """Bit for bit equal, NaN included."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.is_meta or b.is_meta:  # it has a shape and no values
        return a.is_meta == b.is_meta
    return torch.equal(a, b) or torch.allclose(a, b, rtol=0, atol=0, equal_nan=True)


def _overlap(a: Tensor, b: Tensor) -> bool:
    if not a.numel() or not b.numel() or a.device != b.device:
        return False
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()
