"""The reference with mistakes made on purpose: which calls it makes, and some of them edited.

A function mode counts the calls of torch that carry a gradient, and edits some of them so that their value
stays and their derivative becomes wrong (wrong_derivatives.py). Where a wrong gradient equals the gradient of
an edited reference, the edit is the diagnosis.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode, resolve_name

from torch_reference.diagnosis.edits.taken_apart import TAKEN_APART, normalised
from torch_reference.diagnosis.edits.wrong_derivatives import Place, Wrong, replaced_in, tensors_in


class Edit(NamedTuple):
    """One wrong derivative at one call: what is wrong, at which argument, and how it is made."""

    kind: str
    call: int
    argument: int
    where: str
    wrong: Wrong


class Call(NamedTuple):
    """One call of the forward pass that carries a gradient; again makes it with some tensors replaced."""

    name: str
    tensors: tuple[Tensor, ...]
    differentiable: tuple[int, ...]
    parameters: tuple[str | None, ...]
    result: Tensor
    averages: bool
    normalises: tuple[int, ...]
    has_named_tensors: bool
    again: Callable[[Mapping[int, Tensor]], Tensor]

    def with_edits(self, edits: Sequence[Edit], others: Sequence[Tensor]) -> Tensor:
        """Its result, with a derivative as these edits make it, one after another.

        Shapes: that of the result
        """
        result = self.result
        for edit in edits:
            result = edit.wrong(Place(self.name, self.again, self.tensors, edit.argument, result, others))
        return result


class Editor(TorchFunctionMode):
    """Record the calls that carry a gradient, and edit some of them."""

    def __init__(
        self, shifts: Mapping[str, Tensor], edits: Sequence[Edit] = (), others: Sequence[Tensor] = ()
    ) -> None:
        """Edit with the tensors of another run at hand: a wrong factor may be one that is made later."""
        super().__init__()
        self.others = list(others)
        self.met: list[Tensor] = []
        self.known: dict[int, int] = {}
        self.shift_names = {id(shift): name for name, shift in shifts.items()}
        self.shifted: dict[int, tuple[str, Tensor]] = {}
        self.edits = edits
        self.calls: list[Call] = []
        self.writes = False
        self.count, self.last = 0, max((edit.call for edit in edits), default=-1)

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the call as it is, unless it is one to be edited."""
        kwargs = kwargs or {}
        if self.edits and self.count > self.last:
            self.count += 1
            return func(*args, **kwargs)  # all is edited
        apart = TAKEN_APART.get(func)
        if apart is not None:
            try:
                with self:  # a fused operation is made of others, and a mistake may be in any of them
                    result = apart(*args, **kwargs)
                if func is not normalised:
                    return result
            except ValueError:  # not this one, called like this
                result = func(*args, **kwargs)
        else:
            result = func(*args, **kwargs)
        if not isinstance(result, Tensor) or not result.requires_grad or not result.is_floating_point():
            return result
        tensors = tensors_in(args)
        if any(each.layout != torch.strided for each in (result, *tensors)):
            return result  # a sparse tensor has no memory by which it would be known
        shift = next((self.shift_names[id(t)] for t in tensors if id(t) in self.shift_names), None)
        if shift is not None:
            self.shifted[id(result)] = (shift, result)  # kept, so that its id is not given away
            return result
        number, self.count = self.count, self.count + 1
        here = [edit for edit in self.edits if edit.call == number]
        if here or not self.edits:
            call = self._call(func, args, kwargs, tensors, result)
            if not self.edits:
                self._record(call)
            result = call.with_edits(here, self.others)
        return result

    def _record(self, call: Call) -> None:
        self.calls.append(call)
        self.writes |= any(call.result is tensor for tensor in call.tensors)
        for tensor in (*call.tensors, call.result):
            if id(tensor) not in self.known:
                self.known[id(tensor)] = _version(tensor)
                self.met.append(tensor)

    def has_written(self) -> bool:
        """Whether a call wrote into what it was given, or anything into what a call had met."""
        return self.writes or any(_version(tensor) != self.known[id(tensor)] for tensor in self.met)

    def _call(
        self,
        func: Any,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        tensors: tuple[Tensor, ...],
        result: Tensor,
    ) -> Call:
        def again(replaced: Mapping[int, Tensor]) -> Tensor:
            value: Tensor = func(*replaced_in(args, tensors, replaced), **kwargs)
            return value

        differentiable = tuple(index for index, tensor in enumerate(tensors) if tensor.requires_grad)
        names = tuple(self.shifted.get(id(tensor), (None, None))[0] for tensor in tensors)
        name = _name_of(func)
        averages = name == "mean" or kwargs.get("reduction") == "mean"
        dims = args[1] if func is normalised else ()
        has_named = bool(tensors_in(tuple(kwargs.values())))
        return Call(name, tensors, differentiable, names, result, averages, dims, has_named, again)


def _version(tensor: Tensor) -> int:
    """How often it was written into; of what was made under inference_mode nobody counts."""
    return 0 if tensor.is_inference() else tensor._version


@cache
def _name_of(func: Any) -> str:
    """Its own, without the modules in which it is; torch looks that up slowly."""
    return (resolve_name(func) or getattr(func, "__name__", "call")).rsplit(".", 1)[-1].strip("_")
