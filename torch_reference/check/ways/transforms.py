"""Under torch.func: gradients, batches by vmap, and forward mode."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.autograd.function import Function as TorchFunction
from torch.overrides import TorchFunctionMode

from torch_reference.check.graphs import gradients_of
from torch_reference.check.references.stand_in import autograd_function
from torch_reference.check.ways.session import Attempt, Made, Session
from torch_reference.judging.calls.nests import named_leaves
from torch_reference.judging.calls.points import UPSTREAM, Tensors
from torch_reference.judging.calls.quiet import unwarned
from torch_reference.judging.calls.raised_errors import user_code
from torch_reference.judging.derivation_task import normal
from torch_reference.judging.function_objective import FunctionObjective
from torch_reference.judging.hygiene import copies
from torch_reference.layers.own_generator import own_generator

TANGENT = "inputs[tangent of {}]"


def under_torch_func(session: Session) -> Iterator[Attempt]:
    """By torch.func.vjp; a Function without setup_context refuses that.

    Not where it sets the .data of tensors, as module.to(x.dtype) does in each call: what is set there is the
    transform's own, and whoever reads it afterwards ends the process.
    """
    if session.works_with_grad and not _sets_data(session):
        yield Attempt("under torch.func", session.point, partial(_pulled, session), may_refuse=True)


class _Setting(TorchFunctionMode):
    """Watches whether .data is set."""

    is_seen = False

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        self.is_seen |= func == Tensor.data.__set__  # type: ignore[attr-defined]
        return func(*args, **(kwargs or {}))


def _sets_data(session: Session) -> bool:
    with _Setting() as seen:
        session.called(session.point)
    return seen.is_seen


def _pulled(session: Session) -> Made:
    tensors = session.tensors(copies(session.point))
    of, names = _of_wanted(session, tensors)
    with user_code("backward"):
        pull = torch.func.vjp(of, *(tensors[name] for name in session.wanted))[1]
        found = pull(tuple(tensors[UPSTREAM + name] for name in names))
    return Made({}, gradients_of(dict(zip(session.wanted, found, strict=True)), session.point))


def _of_wanted(session: Session, tensors: Tensors) -> tuple[Callable[..., tuple[Tensor, ...]], list[str]]:
    """(the outputs that have an upstream gradient, as a function of what is asked for; their names)."""
    names = [name.removeprefix(UPSTREAM) for name in session.upstream]
    function = session.graph
    assert function is not None

    def of(*values: Tensor) -> tuple[Tensor, ...]:
        given = {**tensors, **dict(zip(session.wanted, values, strict=True))}
        args, kwargs = session.arguments.placed(given)
        outputs = named_leaves(function.function(*args, **kwargs), "outputs")
        return tuple(outputs[name] for name in names)

    return of, names


def batched(session: Session) -> Iterator[Attempt]:
    """The gradients of a batch by torch.func.vmap, where a Function has a rule for that.

    Then with the batch along the last dimension, and of each input alone: what a rule forbids is refused.
    """
    own = autograd_function(session.graph.function) if session.graph else None
    if own is not None and (own.generate_vmap_rule or own.vmap is not TorchFunction.vmap):
        told, every = "under torch.func.vmap", dict.fromkeys(session.wanted, 0)
        yield Attempt(told, session.point, partial(_one_of_a_batch, session, every))
        others = {" along the last dimension": dict.fromkeys(session.wanted, -1)}
        others |= {f" of {name} alone": {name: 0} for name in session.wanted if len(every) > 1}
        for what, dims in others.items():
            call = partial(_one_of_a_batch, session, dims)
            yield Attempt(f"{told}{what}", session.point, call, may_refuse=True)


def _one_of_a_batch(session: Session, dims: Mapping[str, int]) -> Made:
    tensors = session.tensors(copies(session.point))
    of, names = _of_wanted(session, tensors)
    above = tuple(tensors[UPSTREAM + name] for name in names)

    def one(*values: Tensor) -> Any:
        pulled = torch.func.vjp(of, *values)
        # Of a rule that takes another dimension for the batch's there is no such output to differentiate.
        fits = [value.shape for value in pulled[0]] == [value.shape for value in above]
        return pulled[0], pulled[1](above) if fits else ()

    batch = [
        torch.stack([tensors[name], tensors[name] * 0.75], dims[name]) if name in dims else tensors[name]
        for name in session.wanted
    ]
    with user_code("backward"):
        outputs, found = torch.func.vmap(one, in_dims=tuple(map(dims.get, session.wanted)))(*batch)
    wanted, first = session.wanted if found else (), [value[0] for value in found]
    made = {name: value[0] for name, value in zip(names, outputs, strict=True)}
    made = made if not found or made.keys() == session.plain.outputs.keys() else {}
    return Made(made, gradients_of(dict(zip(wanted, first, strict=True)), session.point))


def forwards(session: Session) -> Iterator[Attempt]:
    """The tangents that a Function's own jvp makes, where it has one."""
    own = autograd_function(session.graph.function) if session.graph else None
    complex_too = any(value.is_complex() for value in session.tensors(session.point).values())
    if own is None or own.jvp is TorchFunction.jvp or complex_too:
        return
    generator = own_generator(5)
    towards = {name: normal(session.point[name], generator) for name in session.wanted}
    above = {TANGENT.format(name.removeprefix(UPSTREAM)): value for name, value in session.upstream.items()}
    one = next(iter(session.upstream.values())).new_ones(())
    point = {**session.inputs, **above, f"{UPSTREAM}outputs[0]": one}
    # ⟨upstream, J t⟩ has the gradient J t with respect to the upstream gradient.
    call = partial(_along, session, list(point), towards)
    objective = FunctionObjective(call)
    yield Attempt("in forward mode", point, partial(_tangents, session, towards), objective, roughly=True)


def _along(session: Session, names: Sequence[str], towards: Tensors, *values: Tensor) -> Tensor:
    """The reference's ⟨upstream, J t⟩, by differentiating ⟨upstream, outputs⟩ once."""
    given = dict(zip(names, values, strict=False))
    with torch.enable_grad():
        leaves = {
            name: given[name] if given[name].requires_grad else given[name].detach().requires_grad_()
            for name in session.wanted
        }
        inputs = session.arguments.tensors({name: given[name] for name in session.inputs})
        args, kwargs = session.arguments.placed({**inputs, **leaves})
        outputs = named_leaves(session.objective.function(*args, **kwargs), "outputs")
        pairs = [(value, given.get(TANGENT.format(name))) for name, value in outputs.items()]
        known = [(value, above) for value, above in pairs if above is not None and value.requires_grad]
        ends, aboves = [value for value, _ in known], [above.to(value.dtype) for value, above in known]
        found = torch.autograd.grad(ends, list(leaves.values()), aboves, create_graph=True, allow_unused=True)
        terms = [
            (gradient * towards[name]).sum()
            for name, gradient in zip(leaves, found, strict=True)
            if gradient is not None
        ]
        return torch.stack(terms).sum()


def _tangents(session: Session, towards: Tensors) -> Made:
    tensors = session.tensors(copies(session.point))
    of, names = _of_wanted(session, tensors)
    # The warning is torch's own, of what it makes at the first use.
    with unwarned(DeprecationWarning), user_code("jvp"), torch.enable_grad(), forward_ad.dual_level():
        make_dual: Any = forward_ad.make_dual
        duals = [make_dual(tensors[name], towards[name]) for name in session.wanted]
        found = [forward_ad.unpack_dual(value).tangent for value in of(*duals)]  # type: ignore[no-untyped-call]
    made = {
        TANGENT.format(name): torch.zeros_like(session.upstream[UPSTREAM + name])
        if tangent is None
        else tangent
        for name, tangent in zip(names, found, strict=True)
    }
    return Made({}, {name: value.detach() for name, value in made.items()})
