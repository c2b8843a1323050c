"""A function whose gradient is a difference quotient of its values in float64, with what that is off by."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes, _get_current_dispatch_mode
from torch.utils._pytree import tree_unflatten

from torch_reference.check.references.coarse import Run, pairs_of
from torch_reference.check.references.jacobians import Jacobian, first_slopes, jacobian
from torch_reference.judging.calls.holders import flattened
from torch_reference.judging.calls.nests import dense, is_judged
from torch_reference.judging.calls.really import is_tensor
from torch_reference.layers.own_generator import own_generator
from torch_reference.tolerance.rounding.exact_run import widened_inputs
from torch_reference.tolerance.rounding.moved_run import MovedRun

MOST = 400
"""So many numbers are moved, one at a time; more would take minutes."""
BLUNT = 1 / 24
"""Of what is added up to a derivative: what is off by more, as by 16 bits inside, is no witness.

Its bound is about six times as wide: the largest of the movements by 1.5 z, doubled, a quarter of it all.
"""
NOTHING = 2**-20
"""Of value by input, as large as derivatives mostly are: so little is none, as of a key's bias."""


class Known(dict[tuple[object, ...], Jacobian]):
    """The derivatives at points, and half of the step of a coarser precision that the function works in."""

    unit = 0.0


def by_differences(function: Callable[..., Any], unit: float = 0.0) -> Callable[..., Any]:
    """The same function, which autograd differentiates by moving each of its inputs' numbers.

    Each derivative is as sure as two extrapolations agree, which widens the tolerance. It has no second.
    unit is half of the step of a coarser precision than its inputs', in which it works.

    Shapes: any, of up to 400 numbers whose gradient is asked for
    Errors: ValueError in its backward for more numbers, or where the function has a kink

    >>> x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    >>> by_differences(lambda x: x.detach() ** 2)(x).sum().backward()
    >>> torch.testing.assert_close(x.grad, 2 * x.detach())
    """
    known: dict[tuple[object, ...], Known] = {}

    def differentiable(*args: Any, **kwargs: Any) -> Any:
        leaves, nest = flattened((args, kwargs))
        places = [place for place, leaf in enumerate(leaves) if _is_number(leaf)]
        made: dict[str, Any] = {}

        def run(tensors: Sequence[Tensor]) -> list[Tensor]:
            placed = dict(zip(places, tensors, strict=True))
            own, named = tree_unflatten([placed.get(i, leaf) for i, leaf in enumerate(leaves)], nest)
            made["leaves"], made["nest"] = flattened(function(*own, **named))
            return [leaf for leaf in made["leaves"] if _is_number(leaf)]

        # Of other indices, or another mask, the derivatives are others.
        others = tuple(_numbers(leaf) for leaf in leaves if is_judged(leaf) and not _is_number(leaf))
        here = known.setdefault(others, Known())
        here.unit = unit
        numbers = iter(_Differences.apply(run, here, *(leaves[place] for place in places)))  # type: ignore[no-untyped-call]
        outputs = [next(numbers) if _is_number(leaf) else leaf for leaf in made["leaves"]]
        return tree_unflatten(outputs, made["nest"])

    differentiable.finds_kinks = True  # type: ignore[attr-defined]
    return differentiable


class _Differences(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, run: Run, known: Known, *tensors: Tensor) -> Any:
        ctx.run, ctx.known = run, known
        ctx.save_for_backward(*tensors)
        return tuple(made.clone() for made in run(tensors))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *above: Tensor) -> Any:
        tensors = ctx.saved_tensors
        asked = [place for place, needed in enumerate(ctx.needs_input_grad[2:]) if needed]
        if sum(tensors[place].numel() for place in asked) > MOST:
            told = "give fewer, name fewer inputs in wrt=, or give a reference"
            raise ValueError(f"more than {MOST} numbers to move: {told}")
        mode = _get_current_dispatch_mode()
        with _disable_current_modes():
            found = {place: _gradient(ctx.run, ctx.known, tensors, place, above) for place in asked}
        gradients: list[Tensor | None] = [None] * (len(tensors) + 2)
        for place, (value, error) in found.items():
            gradients[place + 2] = gradient = value.to(tensors[place].dtype, copy=True)
            if isinstance(mode, MovedRun):  # it may be off by so much
                mode.roundings.add(gradient, error, 1.0)
        return tuple(gradients)


def _gradient(
    run: Run, known: Known, tensors: Sequence[Tensor], place: int, above: Sequence[Tensor]
) -> tuple[Tensor, Tensor]:
    """(the gradient of one input, what it may be off by).

    Formula: Σⱼ gⱼ Jⱼᵢ, off by the errors of J, and by what a backward's own roundings explain: u of each term
             and of what it is made from, and what J moves by where each input moves by a rounding
    """
    here = _known(run, known, tensors, place)
    weights = [pairs_of(widened_inputs({"": each.detach().resolve_neg()})[""]).flatten() for each in above]
    weight = torch.cat(weights) if weights else here.values
    size, used = weight.abs(), weight != 0
    if not here.errors[:, used].isfinite().all():
        raise ValueError("a kink, or no smooth function: a difference quotient does not settle")
    derivatives, errors = here.derivatives[:, used], here.errors[:, used]
    unit = max(torch.finfo(tensors[place].dtype).eps / 2, here.unit, known.unit)
    inputs = pairs_of(widened_inputs({"": tensors[place]})[""]).flatten().abs().unsqueeze(1)
    whole = here.values[used].abs().nan_to_num(posinf=0.0) / torch.where(inputs > 0, inputs, 1.0)
    depends = here.slopes[:, used] != 0  # also where all that it depends by cancels
    errors = errors + unit * (derivatives.abs() + whole * depends)
    if unit > 1e-12:  # else what a rounding does is below what the quotient is off by
        errors = errors + _moved(run, known, tensors, place)[:, used]
    value, error = derivatives @ weight[used], errors @ size[used]
    allowed = BLUNT * (derivatives.abs() @ size[used]).sum() + NOTHING * (whole @ size[used]).sum()
    if float(error.sum()) > float(allowed):
        raise ValueError("its values are too coarse for a difference quotient: give a reference")
    shape = (*tensors[place].shape, 2) if tensors[place].is_complex() else tensors[place].shape
    value, error = value.view(shape), error.view(shape)
    if not tensors[place].is_complex():
        return value, error
    return torch.view_as_complex(value.contiguous()), torch.linalg.vector_norm(error, dim=-1)


def _known(run: Run, known: Known, tensors: Sequence[Tensor], place: int) -> Jacobian:
    """The derivatives at a point: each draw of roundings, and each upstream gradient, asks for the same."""
    key = (place, *map(_numbers, tensors))
    if key not in known:
        known[key] = jacobian(run, tensors, place)
    return known[key]


def _moved(run: Run, known: Known, tensors: Sequence[Tensor], place: int) -> Tensor:
    """How far the derivatives move where every input is another by one rounding of its dtype."""
    key = (place, "moved", *map(_numbers, tensors))
    if key not in known:
        generator = own_generator(5)
        here = _known(run, known, tensors, place)
        beside = []
        for tensor in tensors:
            wide = widened_inputs({"": tensor.detach()})[""]
            signs = torch.randint(0, 2, wide.shape, generator=generator).double().to(wide.device) * 2 - 1
            unit = max(torch.finfo(tensor.dtype).eps / 2, here.unit, known.unit)
            beside.append(wide * (1 + unit * signs))
        moved = (first_slopes(run, beside, place, here.unit) - here.slopes).abs()
        known[key] = here._replace(slopes=moved.nan_to_num(posinf=0.0))
    return known[key].slopes


def _numbers(tensor: Tensor) -> tuple[object, ...]:
    wide = widened_inputs({"": dense(tensor.detach()).resolve_conj().resolve_neg()})[""]
    return tuple(tensor.shape), wide.cpu().numpy().tobytes()


def _is_number(leaf: Any) -> bool:
    return is_tensor(leaf) and (leaf.is_floating_point() or leaf.is_complex())
