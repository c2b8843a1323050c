"""What a derivation does besides its arithmetic: changed inputs, shared memory, hidden state, a graph."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from torch_reference.comparison import Verdict
from torch_reference.judging.calls.nests import (
    copy_of,
    dense,
    has_memory,
    is_wrapper,
    named_tensors,
    real_pairs,
)
from torch_reference.judging.calls.raised_errors import user_code
from torch_reference.judging.calls.really import is_tensor
from torch_reference.judging.finding import Finding, breach

Tensors = Mapping[str, Tensor]
Derivation = Callable[[Tensors], Mapping[str, Any]]


class Breach(NamedTuple):
    """One rule that was broken, and the name that it concerns."""

    name: str
    verdict: Verdict
    explanation: str


class Observation(NamedTuple):
    """What a derivation returned, what the second time where that is another, and its breaches."""

    result: dict[str, Tensor]
    again: dict[str, Tensor]
    breaches: list[Breach]


def observe(
    derivation: Derivation, point: Tensors, may_alias: tuple[str, ...] = (), once: bool = False
) -> Observation:
    """Call the derivation twice, or once, on copies of the point, and look at what it did to them.

    Shapes: any; the copies have the strides of the originals, so that expanded and transposed tensors stay so
    Errors: UserCodeError for whatever it raises, and where it returns no mapping of names to tensors
    """
    first = copies(point)
    result = checked_mapping(_called(derivation, first))
    breaches = [
        Breach(name, Verdict.MUTATED, "the derivation changed its input in place: work on a copy")
        for name, before in point.items()
        if not is_the_same(first[name], before)
    ]
    changed = {breach.name for breach in breaches}
    for name, value in result.items():
        owner = next((key for key in first if key not in may_alias and _overlap(value, first[key])), None)
        if owner in changed:
            continue  # it was written into its input, which says it all
        if owner is not None:
            explanation = f"it shares memory with the input {owner}: return a new tensor, such as a clone"
            breaches.append(Breach(name, Verdict.ALIASED, explanation))
        if value.requires_grad:
            explanation = "it requires grad: autograd was at work, or a graph is kept; detach it"
            breaches.append(Breach(name, Verdict.REQUIRES_GRAD, explanation))
    result = {name: value.detach().clone() for name, value in result.items()}
    if once:
        return Observation(result, {}, breaches)
    second = checked_mapping(_called(derivation, copies(point)))
    again = {
        name: value.detach().clone() for name, value in second.items() if not _is_in(result, name, value)
    }
    gone = "the second of two calls did not return it"
    breaches += [Breach(name, Verdict.UNSTABLE, gone) for name in result if name not in second]
    return Observation(result, again, breaches)


def called_again(derivation: Derivation, point: Tensors) -> dict[str, Tensor]:
    """What the derivation returns once more; UserCodeError as observe() has it."""
    return checked_mapping(_called(derivation, copies(point)))


def shared_memory(made: Mapping[str, Any], inputs: Tensors, in_graph: bool) -> list[Finding]:
    """A finding for every output that shares memory with an input where autograd knows nothing of it."""
    told = "the output shares memory with an input: return a new tensor"
    return [
        breach(name, "output", Verdict.ALIASED, told)
        for name, value in made.items()
        if is_tensor(value) and value.layout == torch.strided and value.numel()
        if not (in_graph and _is_known(value))
        if any(_same_memory(value, other) for other in inputs.values())
    ]


def unstable(name: str) -> Breach:
    """The breach of a derivation whose second result is another one."""
    explanation = "two calls with the same arguments differ: something is accumulated or drawn anew"
    return Breach(name, Verdict.UNSTABLE, explanation)


def checked_mapping(result: object) -> dict[str, Tensor]:
    """The derivation's result as a dict without the entries that are None; UserCodeError if it is none.

    Sparse gradients are made dense, and complex ones real pairs.
    """
    with user_code("derivation"):
        expected = "a derivation must return a mapping name -> tensor, found"
        if not isinstance(result, Mapping):
            raise TypeError(f"{expected} {type(result).__name__}")
        found = {name: value for name, value in result.items() if value is not None}
        for name, value in found.items():
            if not isinstance(name, str) or not is_tensor(value):
                raise TypeError(f"{expected} {name!r}: {type(value).__name__}")
        return {name: real_pairs(dense(value)) for name, value in found.items()}


def _called(derivation: Derivation, point: Tensors) -> object:
    with user_code("derivation"):
        return derivation(point)


def copies(point: Tensors) -> dict[str, Tensor]:
    """Copies with the same shape and strides; an expanded tensor stays expanded."""
    return {name: copy_of(value) for name, value in point.items()}


def _is_in(result: Tensors, name: str, value: Tensor) -> bool:
    return name in result and is_the_same(result[name], value.detach())


def is_the_same(a: Tensor, b: Tensor) -> bool:
    """Bit for bit equal, NaN included."""
    if a.shape != b.shape or a.dtype != b.dtype or a.layout != b.layout or not has_memory(a):
        return False
    if a.is_meta or b.is_meta:  # it has a shape and no values
        return a.is_meta == b.is_meta
    if a.layout != torch.strided:
        a, b = dense(a), dense(b)
    return torch.equal(a, b) or torch.allclose(a, b, rtol=0, atol=0, equal_nan=True)


def are_others(found: Any, made: Tensors) -> bool:
    """Whether an output is another one."""
    outputs = named_tensors(found, "outputs")
    return any(is_another(value.detach(), made[name]) for name, value in outputs.items() if name in made)


def is_another(one: Tensor, other: Tensor) -> bool:
    """Whether it is off by more than a hundredth of its largest number, which no rounding is."""
    is_number = one.shape == other.shape and one.is_floating_point() and one.numel()
    if not is_number or torch.equal(one, other):
        return False
    return bool((one - other).abs().max() > 0.01 * other.abs().max())


def refuse_others(run: Callable[[], Any], made: Tensors) -> None:
    """Raise an error for what made others than these while it was watched, or does so in every call."""
    again = run()
    if not are_others(again, made):
        raise RuntimeError("it makes other numbers while its operations are watched")
    if are_others(run(), named_tensors(again, "outputs")):
        raise RuntimeError("it makes other numbers in every call: nothing can be compared with it")


def _overlap(a: Tensor, b: Tensor) -> bool:
    if a.layout != torch.strided or b.layout != torch.strided or not a.numel() or not b.numel():
        return False
    return _same_memory(a, b)


def _is_known(value: Tensor) -> bool:
    """Whether autograd knows that it is a view, as that of x.view(-1), or that it is the input itself."""
    return value._is_view() or (value.is_leaf and value.requires_grad)


def _same_memory(a: Tensor, b: Tensor) -> bool:
    if a.device != b.device or is_wrapper(a) or is_wrapper(b):
        return False
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()
