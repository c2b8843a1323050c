"""The mistakes that a derivation can make at one call of the forward pass, made on purpose in the reference.

A function mode counts the calls of torch that carry a gradient, and edits some of them so that their value
stays and their derivative becomes wrong (wrong_derivatives.py). Where a wrong gradient equals the gradient of
an edited reference, the edit is the diagnosis.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode, resolve_name

from torch_reference.diagnosis.edits import wrong_derivatives as wrong
from torch_reference.diagnosis.edits.taken_apart import TAKEN_APART, normalised
from torch_reference.diagnosis.edits.wrong_derivatives import Place, Wrong, replaced_in, tensors_in

# fmt: off
ELEMENTWISE = {
    "softplus", "sigmoid", "tanh", "relu", "leaky_relu", "relu6", "gelu", "silu", "mish", "elu", "selu",
    "celu", "softsign", "hardtanh", "hardsigmoid", "hardswish", "logsigmoid", "softmax", "log_softmax",
    "exp", "expm1", "log", "log1p", "sqrt", "rsqrt", "square", "pow", "reciprocal", "sin", "cos", "erf",
    "abs", "clamp",
}
# fmt: on
PRODUCTS_BY_ELEMENT = {"mul", "rmul", "multiply"}
PRODUCTS = PRODUCTS_BY_ELEMENT | {"matmul", "rmatmul", "mm", "bmm", "linear", "einsum"}
SOFTMAX = {"softmax", "log_softmax"}
SQUARES = {"pow", "square"}


class Edit(NamedTuple):
    """One wrong derivative at one call: what is wrong, at which argument, and how it is made."""

    kind: str
    call: int
    argument: int
    where: str
    wrong: Wrong


class Call(NamedTuple):
    """One call of the forward pass that carries a gradient."""

    name: str
    tensors: tuple[Tensor, ...]
    differentiable: tuple[int, ...]
    parameters: tuple[str | None, ...]
    result: Tensor
    averages: bool
    normalises: tuple[int, ...] = ()


class Editor(TorchFunctionMode):
    """Record the calls that carry a gradient, and edit some of them."""

    def __init__(
        self, shifts: Mapping[str, Tensor], edits: Sequence[Edit] = (), others: Sequence[Tensor] = ()
    ) -> None:
        """Edit with the tensors of another run at hand: a wrong factor may be one that is made later."""
        super().__init__()
        self.others = list(others)
        self.met: list[Tensor] = []
        self.known: set[int] = set()
        self.shift_names = {id(shift): name for name, shift in shifts.items()}
        self.shifted: dict[int, tuple[str, Tensor]] = {}
        self.edits = edits
        self.calls: list[Call] = []
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
        if not self.edits:
            self._record(func, args, kwargs, tensors, result)
            return result
        for edit in self.edits:
            if edit.call == number:
                result = self._edited(edit, func, args, kwargs, tensors, result)
        return result

    def _record(
        self,
        func: Any,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        tensors: tuple[Tensor, ...],
        result: Tensor,
    ) -> None:
        differentiable = tuple(index for index, tensor in enumerate(tensors) if tensor.requires_grad)
        names = tuple(self.shifted.get(id(tensor), (None, None))[0] for tensor in tensors)
        name = _name_of(func)
        averages = name == "mean" or kwargs.get("reduction") == "mean"
        dims = args[1] if func is normalised else ()
        self.calls.append(Call(name, tensors, differentiable, names, result, averages, dims))
        for tensor in (*tensors, result):
            if id(tensor) not in self.known:
                self.known.add(id(tensor))
                self.met.append(tensor)

    def _edited(
        self,
        edit: Edit,
        func: Any,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        tensors: tuple[Tensor, ...],
        result: Tensor,
    ) -> Tensor:
        def call(replaced: Mapping[int, Tensor]) -> Tensor:
            value: Tensor = func(*replaced_in(args, tensors, replaced), **kwargs)
            return value

        place = Place(_name_of(func), call, tensors, edit.argument, result, self.others)
        return edit.wrong(place)


@cache
def _name_of(func: Any) -> str:
    """Its own, without the modules in which it is; torch looks that up slowly."""
    return (resolve_name(func) or getattr(func, "__name__", "call")).rsplit(".", 1)[-1].strip("_")


def edits(calls: Sequence[Call], parameters: Collection[str]) -> Iterator[Edit]:
    """Every edit that makes sense at these calls."""
    for number, call in enumerate(calls):
        where = f"{call.name}, call {number + 1} of {len(calls)}"
        for argument in call.differentiable:
            parameter = call.parameters[argument]
            uses = sum(parameter in other.parameters for other in calls) if parameter in parameters else 0
            kind = "one use only" if uses > 1 else "path dropped"
            yield Edit(kind, number, argument, where, wrong.path_dropped)
            yield Edit("path counted twice", number, argument, where, wrong.path_counted_twice)
        if len(call.differentiable) == 1:
            for kind, part, way in _of_one_argument(call):
                yield Edit(kind, number, call.differentiable[0], part + where, way)
        if call.name in PRODUCTS and len(call.tensors) >= 2:
            for argument in (0, 1):
                for kind, way in _of_a_factor(call, argument):
                    yield Edit(kind, number, argument, where, way)


def _of_one_argument(call: Call) -> Iterator[tuple[str, str, Wrong]]:
    if call.name in ELEMENTWISE:
        yield "derivative missing", "", wrong.derivative_missing
        # The sum of a softmax has no slope: that would be a path dropped. A square is no activation.
        if call.name not in SOFTMAX | SQUARES:
            yield "derivative at the output", "", wrong.derivative_at_the_output
    if call.name in SOFTMAX:
        yield "path dropped", "the sum in ", wrong.softmax_without_sum
        yield "path dropped", "the numerator of ", wrong.softmax_without_numerator
        yield "path dropped", "the other elements of ", wrong.softmax_by_element
    if call.averages:
        yield "sum for mean inside", "", wrong.sum_for_mean
    if call.name == "sum":
        yield "mean for sum inside", "", wrong.mean_for_sum


def _of_a_factor(call: Call, argument: int) -> Iterator[tuple[str, Wrong]]:
    yield "factor missing", wrong.factor_missing
    if call.name in PRODUCTS_BY_ELEMENT:
        return
    if _is_square(call.tensors[argument]):
        yield "factor transposed", wrong.factor_transposed
    if _is_square(call.result):
        yield "factor transposed", wrong.upstream_transposed


def _is_square(value: Tensor) -> bool:
    return value.ndim == 2 and value.shape[0] == value.shape[1]
