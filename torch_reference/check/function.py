"""The check of a function's backward: a torch.autograd.Function, any callable, or a pair of functions."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from torch_reference.check.calling import Called, Function, PairOfFunctions, called
from torch_reference.check.examine import examine, raised
from torch_reference.check.located import located_in_function
from torch_reference.check.ways import Way, all_ways
from torch_reference.comparison import Verdict
from torch_reference.judging.calls.arguments import Arguments
from torch_reference.judging.calls.plain_numbers import Converted
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.derivation_task import Task
from torch_reference.judging.function_objective import FunctionObjective
from torch_reference.judging.function_outputs import has_another_form, judge_outputs, shared_memory
from torch_reference.judging.hygiene import copies
from torch_reference.judging.report import Report, breach
from torch_reference.judging.scalar_objective import UPSTREAM, Tensors
from torch_reference.judging.upstream_gradients import drawn_upstream, given_upstream
from torch_reference.tolerance.meant import meant

NOTHING = breach(
    "reference",
    "call",
    Verdict.NOTHING,
    "nothing was compared: no output of the reference depends on an input whose gradient is asked for",
)


def check_function(
    function: Function,
    reference: Callable[..., Any],
    *args: Any,
    wrt: Sequence[int | str] | None = None,
    upstream: Sequence[Tensor] | None = None,
    allow: Collection[str] = (),
    rtol: float = 0.0,
    accept: Collection[str] = (),
    draws: int = 4,
    seed: int = 0,
    **kwargs: Any,
) -> Report:
    """Compare a function's backward, and its outputs, with those of a plain differentiable torch function.

    function is a torch.autograd.Function, anything that can be called, or a pair: forward(*args) returns
    (outputs, saved), and backward(saved, *d_loss_d_outputs) returns one gradient per input, None where there
    is none. Arguments and outputs may be of any kind and nested in tuples, lists and dicts; what is no tensor
    is passed on as it is.

    Gradients are compared for the inputs that wrt names, by position or by keyword; without it for those that
    have requires_grad, and if none has, for all that are floating-point or complex.

    The upstream gradients are random, never ones, unless they are given. The backward is called with the
    inputs as they are, with non-contiguous inputs and upstream gradients, with an expanded upstream gradient
    (as sum() makes it), and, for an autograd.Function, with each input requiring a gradient alone. The first
    way that fails is reported, and so is whatever is raised on the way.

    allow names breaches that are meant: "input mutated", "shares memory", "not repeatable"; rtol, besides
    rounding, is for approximations; accept names verdicts that agree: "loses digits", "inconclusive".

    Shapes: any, of any strides; upstream: one tensor for every floating-point output, of its shape
    Errors: ValueError for wrong positions, upstream gradients of other shapes or nothing to differentiate,
            TypeError for what cannot be called

    >>> import torch, torch_reference
    >>> def backward(x, d_loss_d_y):
    ...     return d_loss_d_y * (1 - torch.tanh(x) ** 2)
    >>> tanh = (lambda x: (torch.tanh(x), x), backward)
    >>> print(torch_reference.check_function(tanh, torch.tanh, torch.randn(4, 3)))
    AGREEMENT: 1 output and 1 gradient, 24 elements, all within rounding (float32)
    """
    arguments = Arguments.of(args, kwargs)
    wanted = _wanted(arguments, wrt)
    function_called = called(function, arguments)
    objective = FunctionObjective(reference, arguments)
    dtype = str(arguments.point[wanted[0]].dtype).removeprefix("torch.")
    try:
        outputs, depends = objective.looked_at(arguments.point, wanted)
    except UserCodeError as error:
        return Report((raised(error),), dtype)
    above = drawn_upstream(outputs, seed)
    if upstream is not None:
        above = given_upstream(above, upstream)
    if not depends:
        return Report((NOTHING,), dtype)
    door = _Door(function_called, objective, draws, tuple(allow))
    report = Report((), dtype)
    with meant(rtol, accept):
        for way in all_ways({**arguments.point, **above}, wanted, isinstance(function, tuple)):
            report = replace(door.check(way), note=way.what)
            if not report.agrees:
                return door.located(report, way, function, reference, arguments)
    return replace(report, note="")


@dataclass(frozen=True)
class _Door:
    function: Called
    objective: FunctionObjective
    draws: int
    allow: tuple[str, ...]

    @property
    def in_graph(self) -> bool:
        """Whether autograd knows how the outputs were made."""
        return not isinstance(self.function, PairOfFunctions)

    def check(self, way: Way) -> Report:
        """The report of one way of calling: the outputs first, and the gradients where the outputs fit."""
        dtype = str(way.point[way.wanted[0]].dtype).removeprefix("torch.")
        inputs = copies({name: way.point[name] for name in way.point if not name.startswith(UPSTREAM)})
        try:
            made = self.function.outputs(inputs, way.wanted)
            found = judge_outputs(made, self.objective, way.point)
        except UserCodeError as error:
            return Report((raised(error),), dtype)
        found += [
            each
            for each in shared_memory(made, inputs, self.in_graph)
            if each.row.verdict.value not in self.allow
        ]
        if any(has_another_form(finding) for finding in found):
            return Report(tuple(found), dtype)
        report = examine(self.task(way), self.draws)
        return replace(report, findings=(*found, *report.findings))

    def located(
        self,
        report: Report,
        way: Way,
        function: Function,
        reference: Callable[..., Any],
        arguments: Arguments,
    ) -> Report:
        """The report with the wrong lines of the backward, if all arguments are plain positions."""
        count = len(arguments.leaves)
        complex_ones = any(isinstance(leaf, Tensor) and leaf.is_complex() for leaf in arguments.leaves)
        if not self.draws or complex_ones or arguments.names != tuple(f"inputs[{i}]" for i in range(count)):
            return report
        inputs = [way.point.get(*each) for each in zip(arguments.names, arguments.leaves, strict=True)]

        def with_another(edited: Function) -> Task:
            return replace(self, function=called(edited, arguments)).task(way)

        return located_in_function(report, function, reference, inputs, way, with_another)

    def task(self, way: Way) -> Task:
        """The task of differentiating the function in that way."""

        def derive(values: Tensors) -> Mapping[str, Any]:
            inputs = {name: value for name, value in values.items() if not name.startswith(UPSTREAM)}
            above = {name: value for name, value in values.items() if name.startswith(UPSTREAM)}
            found = self.function.gradients(inputs, above, way.wanted)
            return {
                name: torch.zeros_like(values[name]) if gradient is None else gradient
                for name, gradient in found.items()
            }

        return Task(
            derivation=Converted(derive, way.point[way.wanted[0]]),
            objective=self.objective,
            point=way.point,
            shapes=lambda values: {name: tuple(values[name].shape) for name in way.wanted},
            required=way.wanted,
            # A backward may hand on its upstream gradient as it is: torch's own addition does.
            may_alias=tuple(name for name in way.point if name.startswith(UPSTREAM)),
            allowed=self.allow,
        )


def _wanted(arguments: Arguments, wrt: Sequence[int | str] | None) -> tuple[str, ...]:
    if wrt is None:
        wanted = arguments.asked_for or arguments.differentiable
    else:
        wanted = tuple(name for key in wrt for name in _named(arguments, key))
    if not wanted:
        raise ValueError("no input is of a floating-point type: there is nothing to differentiate")
    return wanted


def _named(arguments: Arguments, key: int | str) -> list[str]:
    """The differentiable tensors of one argument, which is given by its position or its keyword."""
    known = range(arguments.count)
    if isinstance(key, int) and key not in known:
        raise ValueError(f"wrt: expected positions from 0 to {len(known) - 1}, found {key}")
    start = f"inputs[{key!r}]"
    found = [name for name in arguments.differentiable if name == key or name.startswith(start)]
    if not found:
        raise ValueError(f"wrt: expected an argument with floating-point numbers, found {key!r}")
    return found
