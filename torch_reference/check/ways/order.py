"""The order in which a training calls: twice, in other modes, into existing gradients, in two threads."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from torch_reference.check.graphs import gradients_of, graph_ends, in_copies
from torch_reference.check.ways.elsewhere.late import is_on_a_gpu, late, read_at_once
from torch_reference.check.ways.session import Attempt, Made, Session
from torch_reference.judging.calls.arguments import Tensors
from torch_reference.judging.calls.nests import real_pairs
from torch_reference.judging.calls.quiet import unwarned
from torch_reference.judging.calls.raised_errors import UserCodeError, user_code, waiting_later
from torch_reference.judging.hygiene import copies


def two_forwards(session: Session) -> Iterator[Attempt]:
    """Another forward between a forward and its backward, with its backward before or after."""
    if session.works_with_grad:
        for what, first in (("after", False), ("before", True)):
            told = f"with another forward in between, differentiated {what} it"
            yield Attempt(told, session.point, partial(_interleaved, session, first))


def _interleaved(session: Session, other_first: bool) -> Made:
    function = session.graph
    assert function is not None
    tensors, others = session.tensors(copies(session.point)), session.tensors(copies(session.point))
    for name, value in others.items():  # other numbers of the same kind
        if value.ndim and value.is_floating_point():
            others[name] = value.roll(1, 0) * 0.75
    if not _is_known(session, others):
        others = session.tensors(copies(session.point))  # others are out of its domain
    leaves, outputs = function.run(tensors, session.wanted)
    told = in_copies(outputs) if function.overwrites else outputs
    other_leaves, other_outputs = function.run(others, session.wanted)

    def backward(leaves: Sequence[Tensor], outputs: Any, above: Any) -> Sequence[Any]:
        ends = graph_ends(outputs, above)
        with user_code("backward"):
            return torch.autograd.grad(ends[0], leaves, ends[1], allow_unused=True)

    if other_first:
        backward(other_leaves, other_outputs, others)
    found = backward(leaves, outputs, tensors)
    if not other_first:
        kept = [value if value is None else value.clone() for value in found]
        backward(other_leaves, other_outputs, others)  # which must leave what was returned as it was
        found = _unless_taken_back(found, kept)
    return Made(told, gradients_of(dict(zip(session.wanted, found, strict=True)), session.point))


def _unless_taken_back(found: Sequence[Any], kept: Sequence[Any]) -> Sequence[Any]:
    """What was found, as it is now; what it was where nobody can read it, as a CUDA graph ran again."""
    try:
        for value in found:
            if value is not None:
                value.clone()
    except RuntimeError:
        return kept
    return found


def _is_known(session: Session, tensors: Tensors) -> bool:
    """Whether the function takes them, and the reference has finite outputs there."""
    point = {name: real_pairs(tensors[name]) for name in session.inputs}
    try:
        session.function.outputs(copies(point), session.wanted)
        outputs, _ = session.objective.looked_at(point, session.wanted)
    except UserCodeError:
        return False
    return all(bool(value.isfinite().all()) for value in outputs.values())


def backward_twice(session: Session) -> Iterator[Attempt]:
    """Through one graph that is retained; what forbids it is not wrong, nor is what overwrites its output."""
    if session.works_with_grad and session.graph is not None and not session.graph.overwrites:
        told = "in the second backward through the same graph"
        yield Attempt(told, session.point, partial(_twice, session), may_refuse=True)


def _twice(session: Session) -> Made:
    function = session.graph
    assert function is not None
    tensors = session.tensors(copies(session.point))
    leaves, outputs = function.run(tensors, session.wanted)
    ends = graph_ends(outputs, tensors)
    for _ in range(2):
        with user_code("backward"):
            found = torch.autograd.grad(ends[0], leaves, ends[1], allow_unused=True, retain_graph=True)
    return Made({}, gradients_of(dict(zip(session.wanted, found, strict=True)), session.point))


def without_grad(session: Session) -> Iterator[Attempt]:
    """The forward alone, under no_grad and under inference_mode; the values are the same."""
    if session.graph is None:
        return
    for what, mode in (("no_grad", torch.no_grad), ("inference_mode", torch.inference_mode)):
        yield Attempt(f"under {what}", session.point, partial(_in_mode, session, mode), may_refuse=True)


def _in_mode(session: Session, mode: Callable[[], Any]) -> Made:
    with unwarned(), mode():  # of that there is no gradient, which is meant
        return Made(session.called(session.inputs), {})


def accumulated(session: Session) -> Iterator[Attempt]:
    """By .backward() into gradients that are there: half of the sum is the gradient, bit for bit.

    Where twice a gradient is no number, nothing is there. A GPU is behind these calls, as in a training.
    """
    if session.graph is not None:
        call, races = partial(_accumulated, session), is_on_a_gpu(session.point)
        told = f"added to an existing .grad{', on a GPU that is behind its calls' if races else ''}"
        yield Attempt(told, session.point, call, by_chance=races)


def _accumulated(session: Session) -> Made:
    function = session.graph
    assert function is not None
    tensors = session.tensors(copies(session.point))
    plain = session.plain.gradients
    there = {name: (2 * value).isfinite() for name, value in plain.items()}
    kept = {name: torch.where(there[name], value, 0) for name, value in plain.items()}
    before = session.arguments.tensors({**session.inputs, **kept})
    before = {name: before[name].clone() for name in session.wanted}
    with unwarned(), waiting_later():  # warned of that the strides of the two differ, which is ours
        tensors = late(tensors)
        outputs, found = function.by_backward(tensors, tensors, session.wanted, before)
        outputs = read_at_once(outputs)
    made = gradients_of(found, session.point)
    return Made(outputs, {name: torch.where(there[name], value / 2, value) for name, value in made.items()})


def changed_afterwards(session: Session) -> Iterator[Attempt]:
    """Inputs and outputs overwritten before the backward; save_for_backward notices, what is kept on ctx not.

    A published function that keeps a tensor on ctx is right until somebody does that: of this a report warns.
    """
    if session.works_with_grad:
        for what in ("inputs", "outputs"):
            told = f"where its {what} are changed in place before the backward"
            call = partial(_overwritten, session, what)
            yield Attempt(told, session.point, call, may_refuse=True, warns=True)
        if list(_lists(session.arguments.placed({}))):
            told = "where numbers in its lists are changed before the backward"
            call = partial(_with_other_lists, session)
            yield Attempt(told, session.point, call, may_refuse=True, warns=True, on_error="warns")


def _overwritten(session: Session, what: str) -> Made:
    function = session.graph
    assert function is not None
    tensors = session.tensors(copies(session.point))
    leaves, outputs = function.run(tensors, session.wanted)
    ends = graph_ends(outputs, tensors)
    with user_code("backward"):
        with torch.no_grad():
            for value in leaves if what == "inputs" else ends[0]:
                value.mul_(0.75)
        found = torch.autograd.grad(ends[0], leaves, ends[1], allow_unused=True)
    return Made({}, gradients_of(dict(zip(session.wanted, found, strict=True)), session.point))


def _with_other_lists(session: Session) -> Made:
    """The backward after the caller has put other numbers into the lists that it handed over."""
    function, given = session.graph, list[Any]()
    assert function is not None

    def seen(*args: Any, **kwargs: Any) -> Any:
        given.extend((args, kwargs))
        return function.function(*args, **kwargs)

    tensors = session.tensors(copies(session.point))
    leaves, outputs = replace(function, function=seen).run(tensors, session.wanted)
    ends = graph_ends(outputs, tensors)
    for each in _lists(given):
        each[:] = [value + 1 if type(value) in (int, float) else value for value in each]
    with user_code("backward"):
        found = torch.autograd.grad(ends[0], leaves, ends[1], allow_unused=True)
    return Made({}, gradients_of(dict(zip(session.wanted, found, strict=True)), session.point))


def _lists(nest: Any) -> Iterator[list[Any]]:
    """Those that hold numbers, in any nest of tuples, lists and dicts."""
    inside = nest.values() if isinstance(nest, dict) else nest if isinstance(nest, tuple | list) else ()
    for each in inside:
        if type(each) is list and any(type(value) in (int, float) for value in each):
            yield each
        yield from _lists(each)
