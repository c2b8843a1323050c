"""A forward and a backward pass of the user's, run once under the eyes of a recorder."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import CodeType
from typing import Any

import torch
from torch import Tensor

from torch_reference.chain.arrays import GraphArray, tensor_of, with_graph_arrays
from torch_reference.chain.graph import Edge, edge_of
from torch_reference.chain.recording.calls import Call
from torch_reference.chain.recording.left_behind import without_graph
from torch_reference.chain.recording.placing import Placing
from torch_reference.chain.recording.plain_context import Context
from torch_reference.chain.recording.tracing import Made, Recorder
from torch_reference.chain.recording.values import identity_of
from torch_reference.judging.calls.nests import as_array, is_numeric_array
from torch_reference.judging.calls.points import as_tuple
from torch_reference.judging.calls.quiet import unwarned


@dataclass(frozen=True)
class Passes:
    """What was recorded: the forward pass's versions, the backward's, the roots and what hangs on them.

    returned are the gradients of the inputs, by name, and last_return is where; inputs are their edges.
    """

    forward: tuple[Made, ...]
    backward: tuple[Made, ...]
    roots: tuple[Edge, ...]
    upstream: tuple[Tensor, ...]
    inputs: dict[str, tuple[Edge, Tensor]]
    returned: dict[str, tuple[Tensor, tuple[int, int]]]
    last_return: tuple[CodeType, int] | None = None
    stopped: str = ""
    handed_in: frozenset[int] = frozenset()
    """What the backward pass was given, by identity: no line of it has made these."""
    forward_calls: tuple[Call, ...] = ()
    backward_calls: tuple[Call, ...] = ()
    copied: Mapping[int, int] = field(default_factory=dict)
    """What stands in the backward pass for what the forward pass left, by identity."""


def function_passes(
    function: Any,
    inputs: Sequence[Any],
    wanted: Sequence[bool],
    upstream: Sequence[Tensor | None],
    placing: Placing | None = None,
    graph: bool = True,
) -> Passes:
    """Run an autograd.Function's, or a pair's, forward and backward, the forward with a graph of its own.

    Arrays get one as well. Without a graph it runs on plain tensors, which numpy takes.

    Shapes: wanted says of each input whether it has a gradient; upstream has one entry for each output, None
            for one that has no gradient
    Errors: whatever the user's code raises
    """
    placing = placing or Placing.plain(len(inputs))
    arguments, leaves = with_graph(inputs, wanted, placing.names)
    ours, copied = Recorder(), dict[int, int]()
    if not graph:
        arguments = [value.detach() if isinstance(value, Tensor) else value for value in arguments]
    given_inputs = placing.as_given(arguments)
    if graph and placing.arrays:
        given_inputs = [_array(*pair) for pair in zip(arguments, given_inputs, strict=True)]
    with unwarned(), torch.set_grad_enabled(graph), ours:
        outputs, backward = _forward(function, *placing.placed(given_inputs), wanted, copied)
    theirs = Recorder()
    # One for each output; behind the last there may be more of None.
    given = [_in_kind(*pair) for pair in zip(as_tuple(outputs), upstream, strict=False)]
    with unwarned(), torch.no_grad(), theirs:
        gradients = as_tuple(backward(*given))
    roots, above = _roots([tensor_of(output) for output in as_tuple(outputs)], upstream)
    returned = {
        name: (_floating(gradient, leaves[name][1]), identity_of(gradient))
        for name, gradient in placing.by_name(gradients).items()
        if name in leaves and (isinstance(gradient, Tensor | int | float) or is_numeric_array(gradient))
    }
    stopped = ours.stopped or theirs.stopped
    made = tuple(ours.made), tuple(theirs.made)
    return Passes(
        *made,
        roots,
        above,
        leaves,
        returned,
        theirs.last_return,
        stopped,
        frozenset(theirs.handed_in),
        tuple(ours.calls),
        tuple(theirs.calls),
        copied,
    )


def _array(argument: Any, given: Any) -> Any:
    """An array with a graph in place of one of floating-point numbers that is the user's."""
    is_array = isinstance(argument, Tensor) and not isinstance(given, Tensor)
    return GraphArray(argument) if is_array and argument.is_floating_point() else given


def _in_kind(output: Any, upstream: Tensor | None) -> Any:
    """The upstream gradient of an output, as an array if that is one."""
    if upstream is None:
        return None
    is_plain = isinstance(output, GraphArray | float) or is_numeric_array(output)
    return as_array(upstream.clone()) if is_plain else upstream.clone()


def _floating(gradient: Any, like: Tensor) -> Tensor:
    """A copy, of whole numbers too in the dtype of what it is the gradient of."""
    gradient = torch.as_tensor(gradient, device=like.device)  # not on a default device
    is_number = gradient.is_floating_point() or gradient.is_complex()
    return gradient.detach().clone() if is_number else gradient.detach().to(like.dtype)


def reference_passes(
    reference: Callable[..., Any],
    inputs: Sequence[Any],
    upstream: Sequence[Tensor | None],
    passes: Passes,
    placing: Placing | None = None,
) -> Passes:
    """The same, with the reference's forward pass in place of the user's: for one without a graph."""
    placing = placing or Placing.plain(len(inputs))
    arguments, leaves = with_graph(inputs, [name in passes.inputs for name in placing.names], placing.names)
    args, kwargs = placing.placed(arguments)
    recorder = Recorder()
    with torch.enable_grad(), recorder:
        outputs = as_tuple(reference(*args, **kwargs))
    roots, above = _roots(outputs, upstream)
    stopped = recorder.stopped or passes.stopped
    return replace(
        passes,
        forward=tuple(recorder.made),
        roots=roots,
        upstream=above,
        inputs=leaves,
        stopped=stopped,
        forward_calls=(),
    )


def with_graph(
    inputs: Sequence[Any], wanted: Sequence[bool], names: Sequence[str]
) -> tuple[list[Any], dict[str, tuple[Edge, Tensor]]]:
    """Copies of the inputs, those that are wanted with a graph; no leaves: they can be changed in place."""
    arguments, edges = [], {}
    for name, value, wants in zip(names, inputs, wanted, strict=True):
        if not isinstance(value, Tensor):
            arguments.append(value)
            continue
        copy = value.detach().clone()
        if wants:
            copy = copy.requires_grad_().clone()
            edge = edge_of(copy)
            assert edge is not None
            edges[name] = (edge, value.detach())
        arguments.append(copy)
    return arguments, edges


def _forward(
    function: Any,
    arguments: Sequence[Any],
    named: Mapping[str, Any],
    wanted: Sequence[bool],
    copied: dict[int, int],
) -> tuple[Any, Callable[..., Any]]:
    """The outputs, and the backward that belongs to them."""
    if isinstance(function, tuple):
        forward, numpy = with_graph_arrays(function[0])
        numpy.is_open = any(isinstance(value, GraphArray) for value in arguments)
        outputs, saved = forward(*arguments, **named)
        numpy.is_open = False
        saved = without_graph(saved, copied)
        return outputs, lambda *upstream: function[1](saved, *upstream)
    ctx = Context(wanted)
    if function.setup_context is not torch.autograd.function._SingleLevelFunction.setup_context:
        outputs = function.forward(*arguments, **named)
        function.setup_context(ctx, tuple(arguments), outputs)
    else:
        outputs = function.forward(ctx, *arguments, **named)
    return outputs, lambda *upstream: function.backward(ctx, *upstream)


def _roots(
    outputs: Sequence[Any], upstream: Sequence[Tensor | None]
) -> tuple[tuple[Edge, ...], tuple[Tensor, ...]]:
    pairs = []
    for output, above in zip(outputs, upstream, strict=False):
        edge = edge_of(output) if isinstance(output, Tensor) else None
        if edge is not None and above is not None:
            pairs.append((edge, above))
    return tuple(edge for edge, _ in pairs), tuple(above for _, above in pairs)
