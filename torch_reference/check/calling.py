"""How a function is called and differentiated: an autograd.Function, any callable, or a pair."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from torch_reference.judging.calls.arguments import Arguments, Tensors
from torch_reference.judging.calls.nests import complex_again, named_leaves
from torch_reference.judging.calls.raised_errors import UserCodeError, user_code
from torch_reference.judging.scalar_objective import UPSTREAM, as_tuple

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

    def outputs(self, values: Tensors, wanted: Sequence[str]) -> dict[str, Any]:
        """What the forward returns, by name."""
        return named_leaves(self._run(values)[0], "outputs")

    def gradients(self, values: Tensors, upstream: Tensors, wanted: Sequence[str]) -> Gradients:
        """What the backward returns for the inputs that are asked for."""
        outputs, saved = self._run(values)
        given = _as_outputs(named_leaves(outputs, "outputs"), upstream)
        with user_code("backward"):
            found = as_tuple(self.backward(saved, *given.values()))
            by_name = _by_name(self.arguments, found)
        return {name: by_name.get(name) for name in wanted}

    def _run(self, values: Tensors) -> tuple[Any, Any]:
        tensors = self.arguments.as_given(self.arguments.tensors(values))
        with user_code("forward"):
            args, kwargs = self.arguments.placed(tensors)
            outputs, saved = self.forward(*args, **kwargs)
        return outputs, saved


@dataclass(frozen=True)
class GraphFunction:
    """Any callable that autograd differentiates."""

    function: Callable[..., Any]
    arguments: Arguments

    def outputs(self, values: Tensors, wanted: Sequence[str]) -> dict[str, Any]:
        """What it returns while something is differentiated."""
        return self.run(self.arguments.tensors(values), wanted)[1]

    def gradients(self, values: Tensors, upstream: Tensors, wanted: Sequence[str]) -> Gradients:
        """Autograd's gradients for the inputs that are asked for, None where it has none.

        A function that works with .backward() alone, as a reentrant checkpoint does, is called so.
        """
        tensors = self.arguments.tensors(values)
        try:
            return self._by_grad(tensors, upstream, wanted)
        except UserCodeError:  # it may still do all that a training asks of it
            return self._by_backward(self.arguments.tensors(values), upstream, wanted)

    def run(self, tensors: Mapping[str, Any], wanted: Sequence[str]) -> tuple[list[Tensor], dict[str, Any]]:
        """(the inputs that require a gradient, the outputs by name)."""
        leaves = {name: tensors[name].detach().requires_grad_() for name in wanted}
        with user_code("forward"), torch.enable_grad():
            args, kwargs = self.arguments.placed({**tensors, **leaves})
            return list(leaves.values()), named_leaves(self.function(*args, **kwargs), "outputs")

    def _by_grad(self, tensors: Mapping[str, Any], upstream: Tensors, wanted: Sequence[str]) -> Gradients:
        leaves, outputs = self.run(tensors, wanted)
        differentiable, above = _differentiable(outputs, upstream)
        with user_code("backward"):
            found = torch.autograd.grad(differentiable, leaves, above, allow_unused=True)
        return dict(zip(wanted, found, strict=True))

    def _by_backward(self, tensors: Mapping[str, Any], upstream: Tensors, wanted: Sequence[str]) -> Gradients:
        leaves, outputs = self.run(tensors, wanted)
        differentiable, above = _differentiable(outputs, upstream)
        others = _other_leaves(differentiable, leaves)
        before = [leaf.grad for leaf in others]
        try:
            for leaf in others:
                leaf.grad = None
            with user_code("backward"):
                torch.autograd.backward(differentiable, above)
        finally:
            for leaf, gradient in zip(others, before, strict=True):
                leaf.grad = gradient
        return {name: leaf.grad for name, leaf in zip(wanted, leaves, strict=True)}


Called = PairOfFunctions | GraphFunction


def called(function: Function, arguments: Arguments) -> Called:
    """How it is to be called.

    Errors: TypeError for what cannot be called
    """
    if isinstance(function, tuple):
        if len(function) != 2 or not all(callable(part) for part in function):
            raise TypeError("a pair: expected two functions, (forward, backward)")
        return PairOfFunctions(*function, arguments)
    if isinstance(function, type) and not issubclass(function, nn.Module) and hasattr(function, "apply"):
        return GraphFunction(function.apply, arguments)
    if not callable(function):
        raise TypeError(f"expected a function or a pair of them, found {type(function).__name__}")
    return GraphFunction(function, arguments)


def _differentiable(outputs: Mapping[str, Any], upstream: Tensors) -> tuple[list[Tensor], list[Tensor]]:
    """The outputs that are part of the graph, and their upstream gradients."""
    given = _as_outputs(outputs, upstream)
    pairs = [
        (outputs[name], above)
        for name, above in given.items()
        if isinstance(outputs[name], Tensor) and outputs[name].requires_grad
    ]
    return [output for output, _ in pairs], [above for _, above in pairs]


def _as_outputs(outputs: Mapping[str, Any], upstream: Tensors) -> dict[str, Tensor]:
    """The upstream gradients by the outputs' names, complex ones again as complex numbers."""
    found = {}
    for name, output in outputs.items():
        above = upstream.get(UPSTREAM + name)
        if above is not None:
            is_complex = isinstance(output, Tensor) and output.is_complex()
            found[name] = complex_again(above) if is_complex else above
    return found


def _by_name(arguments: Arguments, gradients: Sequence[Any]) -> dict[str, Any]:
    """What a pair's backward returned for each input: one for every argument, or for every tensor."""
    positions = arguments.positions()
    if len(gradients) == len(positions):
        found: dict[str, Any] = {}
        for position, gradient in enumerate(gradients):
            found |= _prefixed(named_leaves(gradient, f"inputs[{position}]"), positions[position])
        return found
    tensors = list(arguments.point)
    if len(gradients) != len(tensors):
        raise TypeError(
            f"backward must return one gradient per input, {len(positions)}, found {len(gradients)}"
        )
    return dict(zip(tensors, gradients, strict=True))


def _prefixed(gradients: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """The gradient of an argument that is one tensor goes by that tensor's name."""
    if len(names) == 1 and len(gradients) == 1:
        return {names[0]: next(iter(gradients.values()))}
    return gradients


def _other_leaves(outputs: Sequence[Tensor], own: Sequence[Tensor]) -> list[Tensor]:
    """The leaves of the graph besides our own: a backward would add to the user's gradients there."""
    seen, found, stack = set(), [], [output.grad_fn for output in outputs]
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        variable = getattr(node, "variable", None)
        if variable is not None and not any(variable is leaf for leaf in own):
            found.append(variable)
        stack += [following for following, _ in node.next_functions]
    return found
