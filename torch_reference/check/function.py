"""The check of a function's backward: a torch.autograd.Function, a kernel, or a pair (forward, backward)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from torch_reference.check.examine import examine
from torch_reference.judging.derivation_task import Task
from torch_reference.judging.function_outputs import judge_outputs
from torch_reference.judging.report import Report
from torch_reference.judging.scalar_objective import UPSTREAM, FunctionObjective, Tensors, as_tuple
from torch_reference.judging.upstream_gradients import drawn_upstream, given_upstream

Forward = Callable[..., tuple[Any, Any]]
Backward = Callable[..., Any]
Function = type[torch.autograd.Function] | tuple[Forward, Backward]


class Way(NamedTuple):
    """One way in which a backward may be called: the point, and the inputs whose gradients are asked for."""

    what: str
    point: Tensors
    wanted: tuple[str, ...]


def check_function(
    function: Function,
    reference: Callable[..., Any],
    *inputs: Tensor,
    wrt: Sequence[int] | None = None,
    upstream: Sequence[Tensor] | None = None,
    draws: int = 4,
    seed: int = 0,
) -> Report:
    """Compare a function's backward, and its outputs, with those of a plain differentiable torch function.

    function is a torch.autograd.Function, or a pair: forward(*inputs) returns (outputs, saved), and
    backward(saved, *d_loss_d_outputs) returns one gradient per input, None where there is none.

    The upstream gradients are random, never ones, unless they are given. The backward is called with the
    inputs as they are, with non-contiguous inputs and upstream gradients, with an expanded upstream gradient
    (as sum() makes it), and, for an autograd.Function, with each input requiring a gradient alone. The first
    way that fails is reported.

    Shapes: any, of any strides; wrt: the positions of the inputs that have a gradient (default: all floats);
            upstream: one tensor for every floating-point output, of its shape
    Errors: ValueError for wrong positions, upstream gradients of other shapes or nothing to differentiate,
            TypeError for what is no tensor

    >>> import torch, torch_reference
    >>> def forward(x):
    ...     return torch.tanh(x), x
    >>> def backward(x, d_loss_d_y):
    ...     return d_loss_d_y * (1 - torch.tanh(x) ** 2)
    >>> print(torch_reference.check_function((forward, backward), torch.tanh, torch.randn(4, 3)))
    AGREEMENT: 2 gradients, 24 elements, all within rounding (float32)
    """
    names = {f"inputs[{index}]": value for index, value in enumerate(inputs)}
    wanted = _wanted(names, wrt)
    above = drawn_upstream(reference, inputs, seed)
    if upstream is not None:
        above = given_upstream(above, upstream)
    point = {**{name: value.detach() for name, value in names.items()}, **above}
    for way in _ways(function, point, wanted):
        task = _task(function, reference, way)
        report = examine(task, draws)
        found = judge_outputs(partial(_forward, function), reference, way.point)
        report = Report((*found, *report.findings), report.dtype, note=way.what)
        if not report.agrees:
            return report
    return replace(report, note="")


def _forward(function: Function, *inputs: Tensor) -> Any:
    if isinstance(function, tuple):
        return function[0](*inputs)[0]
    return function.apply(*inputs)  # type: ignore[no-untyped-call]


def _wanted(names: Mapping[str, Tensor], wrt: Sequence[int] | None) -> tuple[str, ...]:
    if wrt is None:
        wanted = tuple(name for name, value in names.items() if value.is_floating_point())
    else:
        known = range(len(names))
        unknown = [index for index in wrt if index not in known]
        if unknown:
            raise ValueError(f"wrt: expected positions from 0 to {len(names) - 1}, found {unknown[0]}")
        wanted = tuple(f"inputs[{index}]" for index in wrt)
    if not wanted:
        raise ValueError("no input is of a floating-point type: there is nothing to differentiate")
    return wanted


def _ways(function: Function, point: Tensors, wanted: tuple[str, ...]) -> list[Way]:
    apart = {name: _non_contiguous(value) for name, value in point.items()}
    expanded = {
        name: value.flatten()[:1].sum().expand(value.shape) if name.startswith(UPSTREAM) else value
        for name, value in point.items()
    }
    ways = [
        Way("", point, wanted),
        Way("with non-contiguous tensors", apart, wanted),
        Way("with an expanded upstream gradient", expanded, wanted),
    ]
    if not isinstance(function, tuple) and len(wanted) > 1:
        ways += [Way(f"when only {name} requires a gradient", point, (name,)) for name in wanted]
    return ways


def _non_contiguous(value: Tensor) -> Tensor:
    """The same values, with every second element of the memory between them."""
    if value.ndim == 0:
        return value
    spread = value.new_zeros((*value.shape, 2))
    spread[..., 0] = value
    return spread[..., 0]


def _task(function: Function, reference: Callable[..., Any], way: Way) -> Task:
    objective = FunctionObjective(reference)
    inputs = [name for name in way.point if name.startswith("inputs[")]

    def derive(values: Tensors) -> dict[str, Tensor | None]:
        arguments = [values[name] for name in inputs]
        upstream = {name: value for name, value in values.items() if name.startswith(UPSTREAM)}
        found = _backward(function, arguments, upstream, [name in way.wanted for name in inputs])
        zero = {
            name: torch.zeros_like(values[name])
            for name, gradient in zip(inputs, found, strict=True)
            if gradient is None and name in way.wanted
        }
        given = {name: gradient for name, gradient in zip(inputs, found, strict=True) if name in way.wanted}
        return given | zero

    return Task(
        derivation=derive,
        objective=objective,
        point=way.point,
        shapes=lambda values: {name: tuple(values[name].shape) for name in way.wanted},
        required=way.wanted,
        # A backward may hand on its upstream gradient as it is: torch's own addition does.
        may_alias=tuple(name for name in way.point if name.startswith(UPSTREAM)),
    )


def _backward(
    function: Function, inputs: Sequence[Tensor], upstream: Tensors, wanted: Sequence[bool]
) -> tuple[Tensor | None, ...]:
    """One gradient per input; None where the function says that there is none."""
    if isinstance(function, tuple):
        forward, backward = function
        _, saved = forward(*inputs)
        gradients = as_tuple(backward(saved, *upstream.values()))
        if len(gradients) != len(inputs):
            raise TypeError(
                f"backward must return one gradient per input, {len(inputs)}, found {len(gradients)}"
            )
        return gradients
    leaves = [value.requires_grad_() if wants else value for value, wants in zip(inputs, wanted, strict=True)]
    with torch.enable_grad():
        outputs = as_tuple(function.apply(*leaves))  # type: ignore[no-untyped-call]
    pairs = [
        (output, upstream[name])
        for name, output in ((f"{UPSTREAM}outputs[{index}]", output) for index, output in enumerate(outputs))
        if name in upstream and output.requires_grad
    ]
    differentiated = [leaf for leaf, wants in zip(leaves, wanted, strict=True) if wants]
    found = iter(
        torch.autograd.grad([o for o, _ in pairs], differentiated, [v for _, v in pairs], allow_unused=True)
    )
    return tuple(next(found) if wants else None for wants in wanted)
