"""What is called, and the ends of its graph: outputs with upstream gradients, leaves with their own."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge
from torch.utils._pytree import tree_leaves

from torch_reference.judging.calls.arguments import Arguments, Tensors
from torch_reference.judging.calls.nests import (
    as_array,
    complex_again,
    copy_of,
    has_memory,
    is_judged,
    is_numeric_array,
    named_leaves,
    refuse_freed,
)
from torch_reference.judging.calls.plain_numbers import as_tensors
from torch_reference.judging.calls.raised_errors import OtherShapeError
from torch_reference.judging.calls.really import is_a, is_tensor
from torch_reference.judging.hygiene import checked_mapping
from torch_reference.judging.scalar_objective import UPSTREAM

SAVED = "_saved_"
"""How the names begin of what a node of torch's own has saved."""


def graph_ends(outputs: Mapping[str, Any], upstream: Tensors) -> tuple[list[Tensor], list[Tensor]]:
    """The outputs that are part of the graph, and their upstream gradients.

    Errors: OtherShapeError for an output that has another shape than its upstream gradient
    """
    given = as_upstream(outputs, upstream)
    pairs = [
        (outputs[name], above)
        for name, above in given.items()
        if is_tensor(outputs[name]) and outputs[name].requires_grad
    ]
    for name, above in given.items():
        output = outputs[name]
        if is_tensor(output) and not output.is_nested and output.shape != above.shape:
            told = f"expected {tuple(above.shape)}, found {tuple(output.shape)}"
            raise OtherShapeError(name, told)
    return [output for output, _ in pairs], [above for _, above in pairs]


def as_upstream(outputs: Mapping[str, Any], upstream: Tensors) -> dict[str, Tensor]:
    """The upstream gradients by the outputs' names, complex ones again as complex numbers."""
    found = {}
    for name, output in outputs.items():
        above = upstream.get(UPSTREAM + name)
        if above is not None:
            is_complex = is_tensor(output) and output.is_complex()
            found[name] = complex_again(above) if is_complex and not above.is_complex() else above
    return found


def leaf_of(tensor: Tensor) -> Tensor:
    """One that is part of a graph already, as a view of a parameter is, stays what it is."""
    return tensor if tensor.requires_grad else tensor.detach().requires_grad_()


def edges_into(tensors: Mapping[str, Any], wanted: Sequence[str]) -> dict[str, GradientEdge]:
    """Where gradients of what is part of a graph go; a view that is written into has another node then."""
    given = {name: tensors[name] for name in wanted}
    return {name: get_gradient_edge(each) for name, each in given.items() if each.grad_fn is not None}


def kept_apart(value: Any) -> Any:
    """A copy of a tensor that is part of no graph: a forward may give its inputs' memory back."""
    is_alone = is_judged(value) and not (value.requires_grad or value.is_neg() or value.is_conj())
    return copy_of(value) if is_alone else value


def in_copies(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs as they are before a backward that may overwrite them."""
    return {name: _copy(value) for name, value in outputs.items()}


def _copy(value: Any) -> Any:
    return value.clone() if is_tensor(value) else value.copy() if is_numeric_array(value) else value


@contextmanager
def gradients_left_alone(outputs: Sequence[Tensor], own: Sequence[Tensor]) -> Iterator[None]:
    """Leave the gradients of all leaves but our own as they were: a backward adds to the user's."""
    others = _other_leaves(outputs, own)
    before = [leaf.grad for leaf in others]
    try:
        for leaf in others:
            leaf.grad = None
        yield
    finally:
        for leaf, gradient in zip(others, before, strict=True):
            leaf.grad = gradient


def _other_leaves(outputs: Sequence[Tensor], own: Sequence[Tensor]) -> list[Tensor]:
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


def gradients_by_name(arguments: Arguments, gradients: Sequence[Any]) -> dict[str, Any]:
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
    if len(names) == 1 and len(gradients) > 1:  # else it would pass for one that is zero
        raise TypeError(f"the gradient of {names[0]} must be one tensor, found {len(gradients)} in one")
    return gradients


def refuse_freed_graph(outputs: Iterable[Any], given: Iterable[Any]) -> None:
    """UserCodeError where a forward gave back memory of an input that autograd's own backward would read.

    What a Function makes again in its backward, as of an invertible network, it does not save.
    """
    if not _is_one_freed(given):
        return
    ahead = [output.grad_fn for output in outputs if is_tensor(output)]
    met = set[Any]()
    while ahead:
        if (node := ahead.pop()) is None or node in met:
            continue
        met.add(node)
        for name in dir(node):
            if name.startswith(("saved_tensors", SAVED)):
                refuse_freed(*tree_leaves(_saved_as(node, name)), part="backward")
        ahead += [following for following, _ in node.next_functions]


def refuse_freed_saved(saved: Any, given: Iterable[Any]) -> None:
    """The same of what a pair's forward hands to its backward."""
    if _is_one_freed(given):
        refuse_freed(*tree_leaves(saved), part="backward")


def _is_one_freed(given: Iterable[Any]) -> bool:
    return not all(has_memory(value) for value in given if is_tensor(value))


def _saved_as(node: Any, name: str) -> Any:
    try:
        return getattr(node, name)
    except Exception:  # the backward will say so, as where it was written into
        return None


def applied(function: Callable[..., Any]) -> Callable[..., Any]:
    """What is called: the apply of an autograd.Function's class, and anything else itself.

    Errors: TypeError for the class of a module, which makes modules
    """
    if not isinstance(function, type):
        return function
    if issubclass(function, nn.Module):
        raise TypeError(f"expected a module, found its class: {function.__name__}(...) makes one")
    return getattr(function, "apply", function)


def gradients_of(found: Mapping[str, Any], point: Tensors) -> dict[str, Tensor]:
    """What was returned as tensors: zeros for None."""
    whole = {name: torch.zeros_like(point[name]) if value is None else value for name, value in found.items()}
    made = checked_mapping(as_tensors(whole, point, next(iter(point.values()))))
    return {name: value.detach() for name, value in made.items()}


def in_kind(output: Any, upstream: Tensor) -> Any:
    """The upstream gradient of an array as an array, as a course's assignment is given it."""
    is_plain = is_numeric_array(output) or is_a(output, float)
    return as_array(upstream) if is_plain else upstream
