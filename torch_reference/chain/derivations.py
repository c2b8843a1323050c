"""The links inside a derivation: its own local variables, of its own forward pass or of the model's."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from torch_reference.chain.arrays import ArraysKeepGraphs, tensor_of, with_graph_arrays
from torch_reference.chain.graph import Edge, Graph, edge_of
from torch_reference.chain.inside import judged_passes, out_of_reach, paired_versions
from torch_reference.chain.quantity import as_gradient
from torch_reference.chain.recording.passes import Passes
from torch_reference.chain.recording.same_gradients import same_gradients
from torch_reference.chain.recording.tracing import Made, Recorder
from torch_reference.chain.recording.values import identity_of
from torch_reference.chain.report import ChainReport
from torch_reference.judging.calls.quiet import unwarned
from torch_reference.layers.generator_state import generator_unmoved

Derive = Callable[[Mapping[str, Tensor]], Mapping[str, Any]]
Loss = Callable[[Any, Any], Tensor]


def links_of_derivation(
    model: nn.Module,
    loss: Loss,
    arguments: tuple[Any, ...],
    targets: Any,
    derive: Derive,
    precision: torch.dtype | None = None,
) -> ChainReport:
    """Judge the local variables of a derivation as links of the chain.

    If the derivation has a forward pass of its own, of which something is the model's output or its loss, its
    variables are the quantities; else the local variables of the model's own forward pass are. Nothing is
    raised: what is out of reach is the report's note.

    Shapes: derive takes the parameters by name, and returns the gradients by the same names; precision is
            that of the code, where it is coarser than that of the parameters
    """
    with generator_unmoved(), unwarned():
        try:
            by_model = _of_the_model(model, loss, arguments, targets, derive)
        except Exception as error:
            return out_of_reach("the derivation cannot be run line by line", error)
        own = None
        for in_arrays in (False, True):
            try:
                found = _of_its_own(model, loss, arguments, targets, derive, in_arrays)
                own = found if found and same_gradients(found, by_model) else None
            except Exception:  # numpy takes no tensor with a graph, and autograd frees one
                continue
            break
        try:
            return _blaming_less(own, by_model, precision)
        except Exception as error:
            return out_of_reach("its links cannot be judged", error)


def _blaming_less(own: Passes | None, by_model: Passes, precision: torch.dtype | None) -> ChainReport:
    """By its own forward pass or by the model's: that of which more has a name; of both, who blames less.

    Who finds several wrong links does not see the one that they have in common.
    """
    if own is None:
        return judged_passes(by_model, precision)
    both = sorted((own, by_model), key=lambda passes: -_pairs(passes))
    first, second = (judged_passes(passes, precision) for passes in both)
    return second if 0 < len(second.wrong) < len(first.wrong) else first


def _pairs(passes: Passes) -> int:
    return len(paired_versions(passes, Graph(passes.roots))[0])


def _parameters(model: nn.Module) -> tuple[dict[str, Tensor], dict[str, tuple[Edge, Tensor]]]:
    """Copies of the parameters with a graph, no leaves; and their edges."""
    values, edges = {}, {}
    with torch.enable_grad():
        for name, parameter in model.named_parameters():
            copy = parameter.detach().clone().requires_grad_().clone()
            edge = edge_of(copy)
            assert edge is not None
            values[name], edges[name] = copy, (edge, parameter.detach())
    return values, edges


def _of_the_model(
    model: nn.Module, loss: Loss, arguments: tuple[Any, ...], targets: Any, derive: Derive
) -> Passes:
    values, edges = _parameters(model)
    buffers = {name: value.clone() for name, value in model.named_buffers()}
    forward, backward = Recorder(), Recorder()
    with torch.enable_grad(), _noted_outputs(model, forward), forward:
        output = functional_call(model, (values, buffers), arguments)
        value = loss(output, targets)
    with torch.no_grad(), backward:
        gradients = derive({name: value.detach().clone() for name, value in values.items()})
    root = edge_of(value)
    roots = (root,) if root is not None else ()
    stopped = forward.stopped or backward.stopped
    one = torch.ones_like(value.detach())
    returned = _returned(gradients, edges)
    above = (one,) * len(roots)
    made = tuple(forward.made), tuple(backward.made)
    handed_in = frozenset(backward.handed_in)
    return Passes(*made, roots, above, edges, returned, backward.last_return, stopped, handed_in)


@contextmanager
def _noted_outputs(model: nn.Module, recorder: Recorder) -> Iterator[None]:
    """Record every submodule's outputs, too, under its name with underscores: layers.0 as layers_0."""

    def hook(name: str) -> Callable[..., None]:
        def note(module: nn.Module, _inputs: object, output: object) -> None:
            several = dict(enumerate(output)) if isinstance(output, tuple | list) else output
            parts = several.items() if isinstance(several, dict) else [("", output)]
            for part, value in parts:
                if isinstance(value, Tensor) and value.is_floating_point():
                    recorder.note(f"{name}{'_' * (part != '')}{part}", value, type(module).forward.__code__)

        return note

    handles = [
        module.register_forward_hook(hook(name.replace(".", "_")))
        for name, module in model.named_modules()
        if name
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _of_its_own(
    model: nn.Module,
    loss: Loss,
    arguments: tuple[Any, ...],
    targets: Any,
    derive: Derive,
    in_arrays: bool = False,
) -> Passes | None:
    """The derivation's own forward pass, if one of its variables is the model's loss or output."""
    values, edges = _parameters(model)
    recorder = Recorder()
    run = with_graph_arrays(derive)[0] if in_arrays else derive
    with torch.enable_grad(), ArraysKeepGraphs() if in_arrays else nullcontext(), recorder:
        gradients = {name: tensor_of(value) for name, value in run(values).items()}
    with torch.no_grad():
        buffers = {name: value.clone() for name, value in model.named_buffers()}
        output = functional_call(model, ({n: v.detach() for n, v in values.items()}, buffers), arguments)
        value = loss(output, targets)
    made = tuple(recorder.made)
    root = _first_like(made, value)
    if root is not None:
        upstream = torch.ones_like(root.value)
    elif isinstance(output, Tensor) and (root := _first_like(made, output)) is not None:
        leaf = root.value.clone().requires_grad_()
        with torch.enable_grad():
            [upstream] = torch.autograd.grad(loss(leaf, targets), leaf)
    else:
        return None
    assert root.edge is not None
    depends = Graph((root.edge,)).places
    forward = tuple(one for one in made if one.edge and one.edge.node in depends)
    backward = tuple(replace(one, edge=None) for one in made if one.number > root.number)
    returned = _returned(gradients, edges)
    at_the_end = recorder.last_return, recorder.stopped, frozenset(recorder.handed_in)
    calls = tuple(recorder.calls), tuple(call for call in recorder.calls if call.since > root.number)
    return Passes(forward, backward, (root.edge,), (upstream,), edges, returned, *at_the_end, *calls)


def _first_like(made: tuple[Made, ...], value: Tensor) -> Made | None:
    """The first version with a graph that has this value, to half of its digits."""
    value = value.detach()
    close = torch.finfo(value.dtype).eps ** 0.5 if value.is_floating_point() else 0.0
    for one in made:
        alike = one.edge is not None and (one.value.shape, one.value.dtype) == (value.shape, value.dtype)
        if alike and bool((one.value - value).norm() <= close * value.norm()):
            return one
    return None


def _returned(
    gradients: Mapping[str, Any], edges: Mapping[str, tuple[Edge, Tensor]]
) -> dict[str, tuple[Tensor, tuple[int, int]]]:
    """The gradients of the parameters; numbers and arrays are taken as tensors."""
    found = {}
    for name, value in gradients.items():
        gradient = as_gradient(value, edges[name][1]) if name in edges else None
        if gradient is not None:
            found[name] = gradient, identity_of(value)
    return found
