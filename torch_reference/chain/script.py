"""The check of a flat script: every named quantity against autograd, and every link by itself."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import Tensor

from torch_reference.chain.blame.broadcast import judged_in_any_shape
from torch_reference.chain.blame.parts import with_parts
from torch_reference.chain.graph import Edge, Graph, edge_of
from torch_reference.chain.names import CONTAINERS, looks_like_a_gradient, named_pairs
from torch_reference.chain.recording.tracing import Made, Recorder
from torch_reference.chain.report import ChainReport
from torch_reference.chain.verdict import Chain
from torch_reference.chain.versions.in_scripts import links_of_script, own_versions

Pairs = Mapping[str, tuple[Tensor, Any]]
LOSSES = ("loss", "L", "l", "ssr", "cost", "J", "E")


def check_links(
    loss: Tensor | Callable[[], Mapping[str, Any]] | Mapping[str, Any],
    quantities: Pairs | Mapping[str, Any] | None = None,
    *,
    loss_name: str = "loss",
) -> ChainReport:
    """Judge every named quantity of a script, and say which link of the chain is wrong.

    Each gradient is compared with autograd's, and with what autograd makes of the script's own gradients
    further up: one that is right given those is inherited, and the one where the mistake was made is named.

    Three ways to say what is meant:
    - check_links(loss, {"logits": (logits, d_logits), …}) takes the pairs as they are given;
    - check_links(loss, locals()), or globals() in a notebook, pairs names by convention: x with dx, d_x,
      grad_x, x_grad, d_loss_d_x and their like. The report says what it paired and what it left;
    - check_links(function) calls a function without arguments that returns its locals(), looks for the
      loss there under loss_name, and names the line of each gradient.

    Formula: right ⟺ |manual − ∂loss/∂x| ≤ bound; inherited ⟺ not right, but so with the script's own
             gradients in place of autograd's at the links above it
    Shapes:  a gradient has the shape and dtype of its quantity; numbers and arrays are taken as tensors
    Errors:  ValueError for a loss without a graph, or whose graph is freed (check before loss.backward(), or
             keep it by retain_graph=True), or of more than one element, or where nothing is paired;
             TypeError for what is none of the three

    >>> import torch
    >>> x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    >>> y = x * x
    >>> loss = y.sum()
    >>> d_y = torch.ones(2, dtype=torch.float64)
    >>> d_x = x.detach() * d_y
    >>> check_links(loss, {"y": (y, d_y), "x": (x, d_x)}).first_wrong.name
    'x'
    """
    given: Any = loss
    made: list[Made] = []
    if callable(loss) and not isinstance(loss, Tensor):
        with Recorder() as recorder:
            given = loss()
        made = own_versions(recorder)
    if isinstance(given, Mapping):
        quantities = quantities if quantities and _given(quantities) else {**given, **(quantities or {})}
        given = _loss_of(given, loss_name)
    value, root = _root(given)
    if quantities is None:
        raise TypeError(
            "expected the quantities as a mapping name -> (tensor, gradient) or name -> value, found none"
        )
    graph = Graph([root])
    pairs, unpaired = _paired(quantities, loss_name, graph)
    links, apart = links_of_script(pairs, graph, made)
    if not links:
        raise ValueError(
            "no quantity is paired with a gradient: expected names such as x with dx, d_x or x_grad"
        )
    chain = Chain(graph, (torch.ones_like(value),), tuple(links))
    named = tuple((name, value.detach()) for name, value in quantities.items() if isinstance(value, Tensor))
    judged = with_parts(judged_in_any_shape(chain), chain)
    return ChainReport(tuple(judged), graph, tuple(unpaired) + tuple(apart), named=named)


def _given(quantities: Mapping[str, Any]) -> bool:
    """Whether these are pairs, and not a namespace."""
    return bool(quantities) and all(_is_pair(value) for value in quantities.values())


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2 and isinstance(value[0], Tensor)


def _loss_of(namespace: Mapping[str, Any], name: str) -> Any:
    if name not in namespace:
        raise ValueError(
            f"expected the loss under the name {name!r}, found no such name; loss_name gives another"
        )
    return namespace[name]


def _root(loss: Any) -> tuple[Tensor, Edge]:
    if not isinstance(loss, Tensor):
        raise TypeError(f"loss: expected a tensor, a namespace or a function, found {type(loss).__name__}")
    if loss.numel() != 1:
        raise ValueError(f"the loss must be one number, found shape {tuple(loss.shape)}")
    root = edge_of(loss)
    if root is None:
        raise ValueError(
            "the loss has no graph: expected parameters with requires_grad=True, and no torch.no_grad()"
        )
    return loss.detach(), root


def _paired(
    quantities: Mapping[str, Any], loss_name: str, graph: Graph
) -> tuple[list[tuple[str, str, Tensor, Any]], list[str]]:
    """(name, manual name, tensor, gradient) for every pair, and what was left unpaired, with the reason.

    A gradient that was made of tensors with a graph has one itself: the loss does not depend on it.
    """
    if _given(quantities):
        return [(name, f"d_{name}", *pair) for name, pair in quantities.items()], []
    entries, gradients = _entries(quantities)
    quantities = {**entries, **quantities, **gradients}
    forward = {
        name: value
        for name, value in quantities.items()
        if isinstance(value, Tensor) and (edge := edge_of(value)) and edge.node in graph.places
    }
    numbers = [name for name, value in quantities.items() if name not in forward and _as_numbers(value)]
    losses = (loss_name, *LOSSES)
    own = _of_entries(gradients, forward)
    names = {**named_pairs(list(forward), [name for name in numbers if name not in own], losses), **own}
    pairs = [(name, manual, forward[name], quantities[manual]) for manual, name in names.items()]
    unpaired = [
        f"{name}: no gradient is named after it"
        for name in forward
        if name not in (*names.values(), loss_name)
    ]
    unpaired += [
        f"{name}: named like a gradient, of nothing that has one"
        for name in numbers
        if name not in names and looks_like_a_gradient(name, losses)
    ]
    return pairs, unpaired


def _entries(quantities: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What stands in dicts: quantities by their keys, and gradients as they are written: grads["w1"]."""
    held = {name: value for name, value in quantities.items() if type(value) is dict}
    entries = {
        key: value
        for name, inside in held.items()
        for key, value in inside.items()
        if isinstance(key, str) and isinstance(value, Tensor) and name not in CONTAINERS
    }
    gradients = {
        f"{name}[{key!r}]": value
        for name, inside in held.items()
        for key, value in inside.items()
        if isinstance(key, str) and _as_numbers(value) and name in CONTAINERS
    }
    return entries, gradients


def _of_entries(gradients: Collection[str], forward: Collection[str]) -> dict[str, str]:
    """Of what: grads["w1"] may be named after w1, or as it is, grads["dw1"]."""
    keys = {written: _key(written) for written in gradients}
    named = named_pairs(forward, keys.values())
    found = {written: key if key in forward else named.get(key) for written, key in keys.items()}
    return {written: name for written, name in found.items() if name is not None}


def _key(written: str) -> str:
    """w1 of grads['w1']."""
    return written.partition("['")[2][:-2]


def _as_numbers(value: Any) -> bool:
    return isinstance(value, Tensor | float) or type(value).__module__ == "numpy"
