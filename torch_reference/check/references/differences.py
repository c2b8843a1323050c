"""A function whose gradient is a difference quotient of its values in float64, with what that is off by."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes, _get_current_dispatch_mode
from torch.utils._pytree import tree_flatten, tree_unflatten

from torch_reference.judging.difference_quotient import Estimate, estimated
from torch_reference.tolerance.rounding.exact_run import ExactRun, widened_inputs
from torch_reference.tolerance.rounding.moved_run import MovedRun

MOST = 400
"""So many numbers are moved, one at a time; more would take minutes."""

STEPS = (1e-3, 1e-2, 1e-4, 1e-5, 1e-1)
"""The step that is right for most functions first."""

Run = Callable[[Sequence[Tensor]], list[Tensor]]
Known = dict[tuple[object, ...], tuple[Tensor, Tensor]]


def by_differences(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which autograd differentiates by moving each of its inputs' numbers.

    Each derivative is as sure as two extrapolations agree, which widens the tolerance. It has no second.

    Shapes: any, of up to 400 numbers whose gradient is asked for
    Errors: ValueError in its backward for more numbers, or where the function has a kink

    >>> x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    >>> by_differences(lambda x: x.detach() ** 2)(x).sum().backward()
    >>> torch.testing.assert_close(x.grad, 2 * x.detach())
    """
    known: Known = {}

    def differentiable(*args: Any, **kwargs: Any) -> Any:
        leaves, nest = tree_flatten((args, kwargs))
        places = [place for place, leaf in enumerate(leaves) if _is_number(leaf)]
        made: dict[str, Any] = {}

        def run(tensors: Sequence[Tensor]) -> list[Tensor]:
            placed = dict(zip(places, tensors, strict=True))
            own, named = tree_unflatten([placed.get(i, leaf) for i, leaf in enumerate(leaves)], nest)
            made["leaves"], made["nest"] = tree_flatten(function(*own, **named))
            return [leaf for leaf in made["leaves"] if _is_number(leaf)]

        numbers = iter(_Differences.apply(run, known, *(leaves[place] for place in places)))  # type: ignore[no-untyped-call]
        outputs = [next(numbers) if _is_number(leaf) else leaf for leaf in made["leaves"]]
        return tree_unflatten(outputs, made["nest"])

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
            raise ValueError(f"more than {MOST} numbers to move: give fewer, or a reference")
        with _disable_current_modes():
            numbers = tuple(_numbers(tensor) for tensor in (*tensors, *above))
            for place in asked:
                if (place, *numbers) not in ctx.known:  # each draw of roundings asks at the same point
                    ctx.known[(place, *numbers)] = _derivatives(ctx.run, tensors, place, above)
            found = {place: ctx.known[(place, *numbers)] for place in asked}
        mode = _get_current_dispatch_mode()
        gradients: list[Tensor | None] = [None] * (len(tensors) + 2)
        for place, (value, error) in found.items():
            gradients[place + 2] = gradient = value.to(tensors[place].dtype, copy=True)
            if isinstance(mode, MovedRun):  # it may be off by so much
                mode.roundings.add(gradient, error, 1.0)
        return tuple(gradients)


def _numbers(tensor: Tensor) -> tuple[object, ...]:
    wide = widened_inputs({"": tensor.detach().resolve_conj().resolve_neg()})[""]
    return tuple(tensor.shape), tensor.dtype, wide.cpu().numpy().tobytes()


def _derivatives(
    run: Run, tensors: Sequence[Tensor], place: int, above: Sequence[Tensor]
) -> tuple[Tensor, Tensor]:
    """(the derivative by each number of one input, what it may be off by)."""
    exact = list(widened_inputs({str(i): value for i, value in enumerate(tensors)}).values())
    weights = list(widened_inputs({str(i): value for i, value in enumerate(above)}).values())
    terms = float(sum(weight.abs().sum() for weight in weights))
    moved = torch.view_as_real(exact[place]) if exact[place].is_complex() else exact[place]
    flat = moved.flatten()
    estimates: list[Estimate] = []
    for element in range(flat.numel()):

        def value(step: float, element: int = element) -> float:
            other = flat.clone()
            other[element] += step
            shaped = other.view(moved.shape)
            inputs = [*exact]
            inputs[place] = torch.view_as_complex(shaped) if exact[place].is_complex() else shaped
            with torch.no_grad(), ExactRun():
                made = run(inputs)
            return float(sum(_product(weight, one) for weight, one in zip(weights, made, strict=True)))

        size = float(flat[element].abs()) or float(flat.abs().max()) or 1.0
        estimates.append(estimated(value, size, terms, STEPS, 1e-9 * terms / size))
        if estimates[-1].error == float("inf"):
            raise ValueError("a kink, or no smooth function: a difference quotient does not settle")
    values, errors = (
        flat.new_tensor([each[part] for each in estimates]).view(moved.shape) for part in (0, 1)
    )
    if not exact[place].is_complex():
        return values, errors
    return torch.view_as_complex(values), torch.linalg.vector_norm(errors, dim=-1)


def _product(weight: Tensor, made: Tensor) -> Tensor:
    return (weight.conj() * made).real.sum() if weight.is_complex() else (weight * made).sum()


def _is_number(leaf: Any) -> bool:
    return isinstance(leaf, Tensor) and (leaf.is_floating_point() or leaf.is_complex())
