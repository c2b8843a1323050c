"""The backward's own derivative, judged as the backward is: against that of the reference's."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from torch_reference.check.graphs import gradients_left_alone, gradients_of, graph_ends
from torch_reference.check.ways.session import Attempt, Made, Session
from torch_reference.judging.calls.arguments import Tensors
from torch_reference.judging.calls.nests import named_leaves
from torch_reference.judging.calls.points import unseen
from torch_reference.judging.calls.raised_errors import user_code
from torch_reference.judging.derivation_task import normal
from torch_reference.judging.function_objective import FunctionObjective
from torch_reference.judging.hygiene import copies
from torch_reference.judging.scalar_objective import UPSTREAM
from torch_reference.layers.own_generator import own_generator

AGAIN = f"{UPSTREAM}outputs"


def second_derivative(session: Session) -> Iterator[Attempt]:
    """Each gradient, weighted at random, differentiated once more with respect to the inputs."""
    function = session.graph
    if (
        function is None
        or not session.works_with_grad
        or any(value.is_complex() for value in session.tensors(session.point).values())
    ):
        return
    reference = partial(_first, session, session.objective.function)
    generator = own_generator(2)
    weights = {
        f"{AGAIN}[{number}]": normal(session.point[name], generator)
        for number, name in enumerate(session.wanted)
    }
    point = {**session.inputs, **weights}
    objective = FunctionObjective(_positional(reference, list(session.inputs)))
    call = partial(_second, session, partial(_first, session, function.function), point)
    yield Attempt("in the second derivative", point, call, objective, roughly=True)


def _positional(call: Callable[[Tensors], Any], names: list[str]) -> Callable[..., Any]:
    return lambda *values: call(dict(zip(names, values, strict=True)))


def _first(session: Session, function: Callable[..., Any], values: Tensors) -> tuple[Tensor, ...]:
    """The first derivatives, as a part of the graph."""
    with torch.enable_grad():
        leaves = {
            name: value if value.requires_grad else value.detach().requires_grad_()
            for name, value in values.items()
            if name in session.wanted
        }
        graph = session.graph
        on_leaves = graph is None or graph.on_leaves
        given = leaves if on_leaves else {name: leaf * 1 for name, leaf in leaves.items()}
        args, kwargs = session.arguments.placed({**session.arguments.tensors(values), **given})
        outputs = named_leaves(function(*args, **kwargs), "outputs")
        above = {
            name: _upstream(outputs[name.removeprefix(UPSTREAM)], value)
            for name, value in session.upstream.items()
        }
        ends = graph_ends(outputs, above)
        wanted = list(leaves.values())
        found = torch.autograd.grad(ends[0], wanted, ends[1], create_graph=True, allow_unused=True)
    return tuple(
        torch.zeros_like(leaf) if value is None else value for leaf, value in zip(wanted, found, strict=True)
    )


def _upstream(output: Tensor, given: Tensor) -> Tensor:
    """That of the loss Σ u (y + y²/2): it depends on the inputs, as above a loss that is not linear.

    In float64 where the reference is exact; in a graph, for only so once_differentiable speaks up.
    """
    with unseen():  # else a kink would be looked for, where it turns to infinity
        is_finite = output.detach().isfinite()
        every = bool(is_finite.all())
    finite = output if every else torch.where(is_finite, output, 0)
    return given.detach().to(output.dtype).requires_grad_() * (1 + finite)


def _second(session: Session, first: Callable[[Tensors], tuple[Tensor, ...]], point: Tensors) -> Made:
    values: Mapping[str, Tensor] = copies({name: point[name] for name in session.inputs})
    leaves = {name: values[name].requires_grad_() for name in session.wanted}
    with user_code("second derivative"):
        gradients = first({**values, **leaves})
        terms = [
            (weight * gradient).sum()
            for weight, gradient in zip(_weights(point), gradients, strict=True)
            if gradient.requires_grad
        ]
        found: tuple[Tensor | None, ...]
        if terms:
            total = torch.stack([term.double() for term in terms]).sum()
            found = torch.autograd.grad(total, list(leaves.values()), allow_unused=True, retain_graph=True)
            if any(
                value is None for value in found
            ):  # grad goes round the error that once_differentiable raises
                with gradients_left_alone([total], list(leaves.values())):
                    torch.autograd.backward(total)
        else:
            found = (None,) * len(leaves)
    return Made({}, gradients_of(dict(zip(session.wanted, found, strict=True)), point))


def _weights(point: Tensors) -> list[Tensor]:
    return [value for name, value in point.items() if name.startswith(AGAIN)]
