"""The mistakes that a derivation can make at one call of the forward pass, made on purpose in the reference.

A function mode counts the calls of torch that carry a gradient, and edits one of them so that its value stays
and its derivative becomes wrong in one of these ways. Where a wrong gradient equals the gradient of an edited
reference, the edit is the diagnosis.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode, resolve_name

ELEMENTWISE = {
    "softplus",
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "gelu",
    "silu",
    "elu",
    "hardtanh",
    "logsigmoid",
    "softmax",
    "log_softmax",
    "exp",
    "log",
    "log1p",
    "sqrt",
    "rsqrt",
    "square",
    "reciprocal",
    "sin",
    "cos",
}
PRODUCTS = {"mul", "__mul__", "__rmul__", "matmul", "__matmul__", "mm", "bmm", "linear", "multiply", "einsum"}


class Edit(NamedTuple):
    """One wrong derivative at one call: what is wrong, and at which argument."""

    kind: str
    call: int
    argument: int
    where: str


class Call(NamedTuple):
    """One call of the forward pass that carries a gradient."""

    name: str
    tensors: tuple[Tensor, ...]
    differentiable: tuple[int, ...]
    parameters: tuple[str | None, ...]


class Editor(TorchFunctionMode):
    """Record the calls that carry a gradient, and edit one of them if an edit is given."""

    def __init__(self, shifts: Mapping[str, Tensor], edit: Edit | None = None) -> None:
        super().__init__()
        self.shift_names = {id(shift): name for name, shift in shifts.items()}
        self.shifted: dict[int, tuple[str, Tensor]] = {}
        self.edit = edit
        self.calls: list[Call] = []

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the call as it is, unless it is the one to be edited."""
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        tensors = _tensors(args)
        if not isinstance(result, Tensor) or not result.requires_grad or not result.is_floating_point():
            return result
        shift = next((self.shift_names[id(t)] for t in tensors if id(t) in self.shift_names), None)
        if shift is not None:
            self.shifted[id(result)] = (shift, result)  # kept, so that its id is not given away
            return result
        differentiable = tuple(index for index, tensor in enumerate(tensors) if tensor.requires_grad)
        names = tuple(self.shifted.get(id(tensor), (None, None))[0] for tensor in tensors)
        name = (resolve_name(func) or getattr(func, "__name__", "call")).rsplit(".", 1)[-1].strip("_")
        self.calls.append(Call(name, tensors, differentiable, names))
        if self.edit is None or self.edit.call != len(self.calls) - 1:
            return result
        return _edited(self.edit, func, args, kwargs, tensors, result)


def edits(calls: Sequence[Call], parameters: Collection[str]) -> Iterator[Edit]:
    """Every edit that makes sense at these calls."""
    for number, call in enumerate(calls):
        where = f"{call.name}, call {number + 1} of {len(calls)}"
        if call.name in ELEMENTWISE and len(call.differentiable) == 1:
            yield Edit("derivative missing", number, call.differentiable[0], where)
            yield Edit("derivative at the output", number, call.differentiable[0], where)
        for argument in call.differentiable:
            parameter = call.parameters[argument]
            uses = sum(parameter in other.parameters for other in calls) if parameter in parameters else 0
            kind = "one use only" if uses > 1 else "path dropped"
            yield Edit(kind, number, argument, where)
        if call.name in PRODUCTS and len(call.tensors) >= 2:
            for argument in (0, 1):
                yield Edit("factor missing", number, argument, where)
                shape = call.tensors[argument].shape
                if call.name not in {"mul", "multiply"} and len(shape) == 2 and shape[0] == shape[1]:
                    yield Edit("factor transposed", number, argument, where)


def _edited(
    edit: Edit,
    func: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    tensors: tuple[Tensor, ...],
    result: Tensor,
) -> Tensor:
    """The same value with another derivative."""

    def call(replaced: Mapping[int, Tensor]) -> Tensor:
        value: Tensor = func(*_replace(args, tensors, replaced), **kwargs)
        return value

    argument = edit.argument
    x = tensors[argument]
    if edit.kind == "derivative missing":
        return result.detach() + (x - x.detach())
    if edit.kind == "derivative at the output":
        output = result.detach().requires_grad_()
        with torch.enable_grad():
            [slope] = torch.autograd.grad(call({argument: output}).sum(), output)
        return result.detach() + slope * (x - x.detach())
    if edit.kind in {"path dropped", "one use only"}:
        return call({argument: x.detach()})
    # A product: the argument itself keeps its derivative, the other factors see a wrong one of it.
    wrong = torch.ones_like(x) if edit.kind == "factor missing" else x.T
    others = {index: t.detach() for index, t in enumerate(tensors) if index != argument}
    to_others, to_itself = call({argument: wrong.detach()}), call(others)
    return result.detach() + (to_others - to_others.detach()) + (to_itself - to_itself.detach())


def _tensors(values: Any) -> tuple[Tensor, ...]:
    if isinstance(values, Tensor):
        return (values,)
    if isinstance(values, tuple | list):
        return tuple(tensor for value in values for tensor in _tensors(value))
    return ()


def _replace(values: Any, tensors: tuple[Tensor, ...], replaced: Mapping[int, Tensor]) -> Any:
    """The arguments with some of their tensors replaced, counted in the order of _tensors."""
    remaining = iter(range(len(tensors)))

    def walk(value: Any) -> Any:
        if isinstance(value, Tensor):
            index = next(remaining)
            return replaced.get(index, value)
        if isinstance(value, tuple | list):
            return type(value)(walk(item) for item in value)
        return value

    return walk(values)
