"""A module as a function of its parameters too, so that a check of it judges their gradients."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils._named_member_accessor import NamedMemberAccessor
from torch.nn.utils.stateless import _reparametrize_module, _untie_named_tensors_map
from torch.utils._pytree import tree_leaves

from torch_reference.check.references.modules.kept_state import State, is_same, kept_state
from torch_reference.check.references.modules.left_out import left_out
from torch_reference.check.references.signatures import with_signature_of
from torch_reference.judging.calls.arguments import Arguments
from torch_reference.judging.calls.holders import copied
from torch_reference.judging.calls.nests import dense
from torch_reference.judging.calls.points import leaving_all_alone, quiet_call, unseen
from torch_reference.judging.calls.private_model import hooked, private_copy
from torch_reference.judging.calls.raised_errors import user_code
from torch_reference.judging.calls.really import is_tensor
from torch_reference.layers.random_state import as_drawn_by

KEYWORD = "parameters"
"""The keyword by which they are passed on, and go in the report: inputs['parameters']['weight']."""


class WithParameters(NamedTuple):
    """A module and its reference as functions that take parameters= besides, and what is to be said."""

    function: Callable[..., Any]
    reference: Callable[..., Any] | None
    given: dict[str, Tensor]
    told: tuple[str, ...] = ()

    def wanted(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[int | str]:
        """What the gradients are asked for of: the inputs' as without parameters, and theirs."""
        inputs = Arguments.of(args, kwargs)
        return [*(inputs.asked_for or inputs.differentiable), KEYWORD]


def with_parameters(
    function: Any, reference: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> WithParameters | None:
    """The module with those of its parameters that the reference has too; None where there is none to judge.

    A reference has them that is a module with parameters of the same names and values, or that reads the very
    parameters of the module that is judged. Without a reference all are judged, if they are few.
    """
    if not isinstance(function, nn.Module) or KEYWORD in kwargs:
        return None
    own = {name: value.detach() for name, value in function.named_parameters() if value.requires_grad}
    if not own:
        return None
    mine = called_with(function, lasting=not reads_in_backward(function, args, kwargs))
    try:
        with leaving_all_alone(), quiet_call(), as_drawn_by(function), user_code("module"):
            inputs, named = copied((args, kwargs))
            mine(*inputs, **{KEYWORD: own}, **named)
    except Exception:  # it is the user's; without its parameters it says so itself
        return None
    if reference is None:
        return None if left_out(function, None, args, kwargs) else WithParameters(mine, None, own)
    if isinstance(reference, nn.Module) and _are_the_same(own, dict(reference.named_parameters())):
        other = called_with(reference, reads=reads_in_backward(reference, args, kwargs))
        return WithParameters(mine, other, own)
    reads = reading(reference, function)
    given = _read(reads, own, args, kwargs)
    return WithParameters(mine, reads, given, _told(own, given)) if given else None


def called_with(
    module: nn.Module, match: Mapping[str, str] | None = None, lasting: bool = False, reads: bool = True
) -> Callable[..., Any]:
    """A copy of the module as a function of its inputs and, by keyword, its parameters.

    match tells their names there, where they have others. A lasting copy is one module in all calls of one
    precision: what it keeps on itself from one call is there in the next, as in a training. Any other is as
    new in each call. The parameters stay in the copy, whose backward may read them, if it `reads`; one thread
    at a time exchanges them.
    """
    turn, kept = threading.RLock(), dict[torch.dtype, tuple[nn.Module, State | None]]()

    def chosen(dtype: torch.dtype) -> nn.Module:
        # What is kept under a transform of torch.func is of no use after it.
        if (reads and not lasting) or torch._C._functorch.maybe_current_level() is not None:
            return private_copy(module)
        private, state = kept.get(dtype, (module, None))
        if private is module or not (lasting or is_same(state, kept_state(private))):
            private = private_copy(module)
            kept[dtype] = private, None if lasting else kept_state(private)
        return private

    def call(*inputs: Any, parameters: Mapping[str, Tensor], **named: Any) -> Any:
        given = {(match or {}).get(name, name): value for name, value in parameters.items()}
        given |= hooked(given, module)
        for value in given.values():
            value._is_param = True  # of whoever asks, as torch itself does
        dtype = next((value.dtype for value in parameters.values()), torch.get_default_dtype())
        buffers = {
            name: value.to(dtype, copy=True) if value.is_floating_point() else value.clone()
            for name, value in module.named_buffers()
        }
        with turn:
            with unseen():  # in which a tensor that a module has besides cannot be copied
                private = chosen(dtype)
            if private is module:  # it cannot be copied
                return functional_call(module, (given, buffers), inputs, named)
            left_in(private, {**given, **buffers}, module)
            return private(*inputs, **named)

    call.of_modules = f"inputs['{KEYWORD}']"  # type: ignore[attr-defined] # their names begin so
    return with_signature_of(module.forward, call)


def left_in(private: nn.Module, tensors: dict[str, Tensor], module: nn.Module) -> None:
    """Put tensors in the place of a copy's own, also under the other names of what is tied in the module.

    In the copy two may be one for once, where the check gives one tensor twice.
    """
    everywhere = _untie_named_tensors_map(module, tensors)
    NamedMemberAccessor(private).swap_tensors_dict(everywhere, allow_missing=True)


def reads_in_backward(module: nn.Module, inputs: Sequence[Any], named: Mapping[str, Any]) -> bool:
    """Whether its backward reads its parameters, as a checkpoint does that runs a forward again.

    Shapes: any; where nothing can be told it is taken to do so
    """
    try:
        with user_code("module"):
            as_it_was, changed = (_slopes(module, inputs, named, factor) for factor in (1.0, 1.25))
    except Exception:  # it is the user's
        return True
    pairs = zip(as_it_was, changed, strict=True)
    return not all(torch.allclose(one, other, equal_nan=True) for one, other in pairs)


def _slopes(
    module: nn.Module, inputs: Sequence[Any], named: Mapping[str, Any], factor: float
) -> list[Tensor]:
    """Its parameters' gradients, where they are multiplied after the forward.

    Errors: ValueError for a module that cannot be copied, and whatever the module raises
    """
    private = private_copy(module)
    if private is module:
        raise ValueError("it cannot be copied")
    leaves = {name: value.detach().clone().requires_grad_() for name, value in module.named_parameters()}
    buffers = {name: value.clone() for name, value in module.named_buffers()}
    with leaving_all_alone(), as_drawn_by(module):
        left_in(private, {**leaves, **buffers}, module)
        made = [*filter(_is_in_graph, tree_leaves(private(*copied(inputs), **copied(named))))]
        others = {name: (factor * leaf).detach().requires_grad_() for name, leaf in leaves.items()}
        left_in(private, others, module)
        torch.stack([each.abs().sum().double() for each in made]).sum().backward()  # type: ignore[no-untyped-call]
    return [torch.zeros_like(leaf) if leaf.grad is None else dense(leaf.grad) for leaf in leaves.values()]


def _is_in_graph(leaf: Any) -> bool:
    return is_tensor(leaf) and leaf.requires_grad


def reading(reference: Callable[..., Any], module: nn.Module) -> Callable[..., Any]:
    """A reference that reads the module's parameters, as a function of them too."""
    turn = threading.RLock()

    def call(*inputs: Any, parameters: Mapping[str, Tensor], **named: Any) -> Any:
        with turn, _reparametrize_module(module, dict(parameters), tie_weights=True):
            return reference(*inputs, **named)

    return with_signature_of(reference, call)


def _read(
    reads: Callable[..., Any], own: Mapping[str, Tensor], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Tensor]:
    """The parameters that the reference's outputs depend on."""
    leaves = {name: value.detach().clone().requires_grad_() for name, value in own.items()}
    try:
        with leaving_all_alone(), as_drawn_by(reads), user_code("reference"):
            inputs, named = copied((args, kwargs))
            ends = filter(_is_in_graph, tree_leaves(reads(*inputs, parameters=leaves, **named)))
            total = torch.stack([each.abs().sum().double() for each in ends]).sum()
            found = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    except Exception:  # it is the user's; what it raises is told when it is compared
        return {}
    return {name: own[name] for name, each in zip(leaves, found, strict=True) if each is not None}


def _are_the_same(own: Mapping[str, Tensor], others: Mapping[str, Tensor]) -> bool:
    return all(name in others and torch.equal(value, others[name]) for name, value in own.items())


def _told(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> tuple[str, ...]:
    left = ", ".join(name for name in own if name not in given)
    return (f"not judged, since the reference does not depend on them: {left}",) if left else ()
