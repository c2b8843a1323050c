"""How a function is called and differentiated: an autograd.Function, any callable, or a pair."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from torch_reference.check.graphs import (
    applied,
    as_upstream,
    edges_into,
    gradients_by_name,
    gradients_left_alone,
    graph_ends,
    in_copies,
    in_kind,
    kept_apart,
    leaf_of,
    refuse_freed_graph,
    refuse_freed_saved,
)
from torch_reference.judging.calls.arguments import Arguments, Tensors
from torch_reference.judging.calls.nests import named_leaves
from torch_reference.judging.calls.points import as_tuple, seeded
from torch_reference.judging.calls.raised_errors import UserCodeError, loses_the_device, user_code
from torch_reference.layers.random_state import RandomState

Pair = tuple[Callable[..., tuple[Any, Any]], Callable[..., Any]]
Function = type[torch.autograd.Function] | Callable[..., Any] | Pair
Gradients = dict[str, Any]
"""Whatever was returned for each input: a tensor, None, or what is no gradient."""


@dataclass(frozen=True)
class PairOfFunctions:
    """forward(*inputs) returns (outputs, saved), and backward(saved, *d_loss_d_outputs) the gradients."""

    forward: Callable[..., tuple[Any, Any]]
    backward: Callable[..., Any]
    arguments: Arguments
    overwrites: bool = False

    def instead(self, pair: Pair) -> "PairOfFunctions":
        """Another pair, called as this one is."""
        return replace(self, forward=pair[0], backward=pair[1])

    def outputs(self, values: Tensors, wanted: Sequence[str]) -> dict[str, Any]:
        """What the forward returns, by name."""
        return named_leaves(self._run(self.arguments.tensors(values))[0], "outputs")

    def differentiated(
        self, tensors: Mapping[str, Any], upstream: Tensors, wanted: Sequence[str]
    ) -> tuple[dict[str, Any], Gradients]:
        """(the outputs by name, the gradients of the inputs that are asked for)."""
        result, saved = self._run(tensors)
        outputs = named_leaves(result, "outputs")
        given = as_upstream(outputs, upstream)
        outputs = in_copies(outputs) if self.overwrites else outputs
        with user_code("backward"):
            above = [in_kind(outputs[name], value) for name, value in given.items()]
            found = as_tuple(self.backward(saved, *above))
            by_name = gradients_by_name(self.arguments, found)
        return outputs, {name: by_name.get(name) for name in wanted}

    def _run(self, given: Mapping[str, Any]) -> tuple[Any, Any]:
        tensors = self.arguments.as_given(given)
        with user_code("forward"):
            args, kwargs = self.arguments.placed(tensors)
            found = self.forward(*args, **kwargs)
            if not (isinstance(found, tuple | list) and len(found) == 2):  # two rows unpack as well
                raise TypeError(f"a pair's forward returns (outputs, saved), found {_in_words(found)}")
        refuse_freed_saved(found[1], tensors.values())
        return found[0], found[1]


def _in_words(found: Any) -> str:
    return type(found).__name__ + (f" of {len(found)}" if isinstance(found, tuple | list) else "")


@dataclass(frozen=True)
class GraphFunction:
    """Any callable that autograd differentiates; overwrites says that its backward may, its outputs."""

    function: Callable[..., Any]
    arguments: Arguments
    on_leaves: bool = True
    """What works in place takes the results of others only."""
    overwrites: bool = False
    works_by_grad: list[bool] = field(default_factory=list, compare=False)
    """Not empty once it has: until then it is called again by .backward(), on copies of what it was given."""

    def instead(self, function: Callable[..., Any]) -> "GraphFunction":
        """Another function, called as this one is; where this one has worked, its error is final."""
        return replace(self, function=applied(function), works_by_grad=[*self.works_by_grad])

    def outputs(self, values: Tensors, wanted: Sequence[str]) -> dict[str, Any]:
        """What it returns while something is differentiated."""
        return self.run(self.arguments.tensors(values), wanted)[1]

    def differentiated(
        self, tensors: Mapping[str, Any], upstream: Tensors, wanted: Sequence[str]
    ) -> tuple[dict[str, Any], Gradients]:
        """(the outputs by name, the gradients of the inputs that are asked for, None where it has none).

        A function that works with .backward() alone, as a reentrant checkpoint does, is called so.
        """
        if self.works_by_grad:
            return self.by_grad(tensors, upstream, wanted)
        kept = {name: kept_apart(value) for name, value in tensors.items()}
        try:
            found = self.by_grad(tensors, upstream, wanted)
        except UserCodeError as error:  # it may still do all that a training asks of it
            if loses_the_device(str(error)):
                raise
            return self.by_backward(kept, upstream, wanted)
        if any(value is None for value in found[1].values()):
            with contextlib.suppress(UserCodeError):
                other = self.by_backward(kept, upstream, wanted)  # which may add up what no path leads to
                if any(found[1][name] is None and other[1][name] is not None for name in wanted):
                    return other
        self.works_by_grad.append(True)
        return found

    def run(
        self, tensors: Mapping[str, Any], wanted: Sequence[str], before: Tensors | None = None
    ) -> tuple[list[Tensor], dict[str, Any]]:
        """(the inputs that require a gradient, the outputs by name); before are gradients that are there."""
        leaves = {name: leaf_of(tensors[name]) for name in wanted}
        for name, gradient in (before or {}).items():
            if leaves[name].is_leaf:
                leaves[name].grad = gradient
        given = leaves if self.on_leaves else {name: leaf * 1 for name, leaf in leaves.items()}
        outputs = self._placed({**tensors, **given})
        refuse_freed_graph(outputs.values(), {**tensors, **given}.values())
        return list(leaves.values()), outputs

    def _placed(self, tensors: Mapping[str, Any]) -> dict[str, Any]:
        with user_code("forward"), torch.enable_grad():
            args, kwargs = self.arguments.placed(tensors)
            return named_leaves(self.function(*args, **kwargs), "outputs")

    def by_grad(
        self, tensors: Mapping[str, Any], upstream: Tensors, wanted: Sequence[str]
    ) -> tuple[dict[str, Any], Gradients]:
        """The same by torch.autograd.grad."""
        edges = edges_into(tensors, wanted)
        leaves, outputs = self.run(tensors, wanted)
        differentiable, above = graph_ends(outputs, upstream)
        outputs = in_copies(outputs) if self.overwrites else outputs
        ends: list[Any] = [edges.get(name, leaf) for name, leaf in zip(wanted, leaves, strict=True)]
        with user_code("backward"):
            found = torch.autograd.grad(differentiable, ends, above, allow_unused=True)
        pairs = zip(leaves, found, strict=True)
        if any(gradient is None and leaf.grad is not None for leaf, gradient in pairs if leaf.is_leaf):
            raise UserCodeError("backward", RuntimeError("it calls .backward() itself, on inputs"))
        return outputs, dict(zip(wanted, found, strict=True))

    def by_backward(
        self,
        tensors: Mapping[str, Any],
        upstream: Tensors,
        wanted: Sequence[str],
        before: Tensors | None = None,
    ) -> tuple[dict[str, Any], Gradients]:
        """The same by .backward(), with the gradients that the inputs have before it."""
        leaves, outputs = self.run(tensors, wanted, before)
        differentiable, above = graph_ends(outputs, upstream)
        outputs = in_copies(outputs) if self.overwrites else outputs
        for name, leaf in zip(wanted, leaves, strict=True):
            if leaf.is_leaf:
                leaf.grad = before[name] if before else None
            else:
                leaf.retain_grad()  # a view of a parameter
        with gradients_left_alone(differentiable, leaves), user_code("backward"):
            torch.autograd.backward(differentiable, above)
        return outputs, {name: leaf.grad for name, leaf in zip(wanted, leaves, strict=True)}


Called = PairOfFunctions | GraphFunction


def called(
    function: Function, arguments: Arguments, rng_state: RandomState | None = None, overwrites: bool = False
) -> Called:
    """How it is to be called; with a state, its random numbers begin there in every call.

    Errors: TypeError for what cannot be called
    """
    if isinstance(function, tuple):
        if len(function) != 2 or not all(callable(part) for part in function):
            raise TypeError("a pair: expected two functions, (forward, backward)")
        own = seeded(function[0], arguments.leaves, rng_state)
        return PairOfFunctions(own, function[1], arguments, overwrites)
    if not callable(function):
        raise TypeError(f"expected a function or a pair of them, found {type(function).__name__}")
    own = seeded(applied(function), arguments.leaves, rng_state)
    return GraphFunction(own, arguments, overwrites=overwrites)
