"""What a function is compared with: a reference, a surrogate's gradient, or the function itself."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils._pytree import tree_unflatten

from torch_reference.check.graphs import applied
from torch_reference.check.references.coarse import unit_of_16_bits
from torch_reference.check.references.differences import by_differences
from torch_reference.check.references.stand_in import own_forward
from torch_reference.judging.calls.arguments import Arguments
from torch_reference.judging.calls.holders import flattened, mapped
from torch_reference.judging.calls.nests import as_array, is_numeric_array
from torch_reference.judging.calls.really import is_a, is_tensor
from torch_reference.judging.derivation_task import normal
from torch_reference.judging.directional.difference_quotient import Estimate, estimated
from torch_reference.judging.function_objective import FunctionObjective
from torch_reference.judging.scalar_objective import reference_gradients
from torch_reference.judging.upstream_gradients import drawn_upstream
from torch_reference.layers.own_generator import own_generator
from torch_reference.layers.random_state import random_state
from torch_reference.tolerance.rounding.exact_run import ExactRun, widened_inputs

OWN = "compared with its own forward under autograd"
QUOTIENT = "compared with a difference quotient of its own values in float64, and no second derivative"


class Right(NamedTuple):
    """What is right: a function that autograd differentiates, and what is to be said of it."""

    function: Callable[..., Any]
    told: tuple[str, ...] = ()
    has_a_second: bool = True


def what_is_right(
    function: Any,
    reference: Callable[..., Any] | None,
    surrogate: Callable[..., Any] | None,
    arguments: Arguments,
    wanted: tuple[str, ...],
) -> Right:
    """The reference; where none is given, the function's own forward, or its difference quotient.

    >>> arguments = Arguments.of([torch.ones(2)], {})
    >>> square = (lambda x: (x * x, x), lambda x, d_loss_d_y: 2 * x * d_loss_d_y)
    >>> what_is_right(square, None, None, arguments, ("inputs[0]",)).told
    ('compared with its own forward under autograd',)
    """
    if surrogate is not None:
        own = own_forward(function) or _forward(function)
        value = own if reference is None else applied(reference)
        told = ("the gradient is compared with the surrogate's",)
        return Right(with_surrogate(value, applied(surrogate)), told)
    if reference is not None:
        return Right(applied(reference))
    arrays = any(is_numeric_array(leaf) for leaf in arguments.leaves)
    # numpy's code is not torch's, even where it takes tensors: a variance is another number there.
    plain = None if arrays else own_forward(function)
    confirmed = plain is not None and _confirmed(plain, arguments, wanted)
    if plain is not None and confirmed is not False:
        doubt = "" if confirmed else ", which no difference quotient confirms here"
        return Right(plain, (OWN + doubt,))
    forward = _on_arrays(_forward(function), arguments) if arrays else _forward(function)
    return Right(by_differences(forward, _unit(forward, arguments)), (QUOTIENT,), has_a_second=False)


def _unit(function: Callable[..., Any], arguments: Arguments) -> float:
    """Half of the step of 16 bits where the function works in them, though its inputs have more."""
    places = [name for name in arguments.differentiable if not arguments.point[name].is_complex()]

    def run(tensors: Sequence[Tensor]) -> list[Tensor]:
        values = {**arguments.point, **dict(zip(places, tensors, strict=True))}
        made = flattened(arguments.call(function, values))[0]
        return [leaf for leaf in made if is_tensor(leaf) and leaf.is_floating_point()]

    try:
        return unit_of_16_bits(run, [arguments.point[name] for name in places])
    except Exception:  # the function is the user's; what it raises is told when it is compared
        return 0.0


def _on_arrays(function: Callable[..., Any], arguments: Arguments) -> Callable[..., Any]:
    """The same function of tensors: it gets arrays where they were given, and its results are tensors."""
    given = tuple(is_numeric_array(leaf) for leaf in arguments.leaves)

    def on_tensors(*args: Any, **kwargs: Any) -> Any:
        leaves, nest = flattened((args, kwargs))
        pairs = zip(leaves, given, strict=True)
        with _disable_current_modes():
            own, named = tree_unflatten(
                [as_array(leaf) if is_array and is_tensor(leaf) else leaf for leaf, is_array in pairs],
                nest,
            )
            made = function(*own, **named)
            return mapped(_as_tensor, made)

    return on_tensors


def _as_tensor(leaf: Any) -> Any:
    return torch.as_tensor(leaf) if is_numeric_array(leaf) or is_a(leaf, float) else leaf


def _forward(function: Any) -> Callable[..., Any]:
    if isinstance(function, tuple):
        return lambda *args, **kwargs: function[0](*args, **kwargs)[0]
    return applied(function)


def with_surrogate(value: Callable[..., Any], surrogate: Callable[..., Any]) -> Callable[..., Any]:
    """A function with the value of the one and the gradient of the other.

    >>> x = torch.tensor([0.6], requires_grad=True)
    >>> y = with_surrogate(torch.round, lambda x: 3 * x)(x)
    >>> y.item(), torch.autograd.grad(y, x)[0].item()
    (1.0, 3.0)
    """

    def both(*args: Any, **kwargs: Any) -> Any:
        values, nest = flattened(value(*args, **kwargs))
        others = flattened(surrogate(*args, **kwargs))[0]
        if len(values) != len(others):
            raise ValueError(f"surrogate: expected {len(values)} outputs, found {len(others)}")
        pairs = zip(values, others, strict=True)
        return tree_unflatten([_joined(one, other) for one, other in pairs], nest)

    return both


def _joined(value: Any, surrogate: Any) -> Any:
    if not is_tensor(value) or not is_tensor(surrogate) or not surrogate.requires_grad:
        return value.detach() if is_tensor(value) else value
    if value.shape != surrogate.shape:
        expected, found = tuple(value.shape), tuple(surrogate.shape)
        raise ValueError(f"surrogate: expected an output of shape {expected}, found {found}")
    return _ValueOfTheOne.apply(value.detach(), surrogate)  # type: ignore[no-untyped-call]


class _ValueOfTheOne(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, surrogate: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: Any, above: Tensor) -> tuple[None, Tensor]:
        return None, above


def _confirmed(plain: Callable[..., Any], arguments: Arguments, wanted: tuple[str, ...]) -> bool | None:
    """Whether autograd's gradient of a forward is that of its values; None where its values do not tell.

    What calls kernels or numpy, or hides a part of itself from autograd, has another gradient or none.
    """
    state = random_state(plain)
    objective = FunctionObjective(plain, arguments, state.of_torch())
    exact = widened_inputs({**arguments.point})
    try:
        with ExactRun():
            outputs, depends = objective.looked_at(exact, wanted, as_given=True)
        objective = replace(objective, rng_state=state.of_moved())
        if not depends:
            return False
        point = {**exact, **drawn_upstream(outputs, seed=3)}
        generator = own_generator(4)
        towards = {name: normal(exact[name], generator) for name in wanted}
        with ExactRun():
            gradients = reference_gradients(
                objective, point, {name: tuple(exact[name].shape) for name in wanted}
            )
        slope, exactly = _along(objective, point, gradients, towards)
    except Exception:  # the forward is the user's: whatever it raises, it is no reference
        return False
    if exactly.error == float("inf"):
        return None
    size = sum(float((gradients[name] * towards[name]).abs().sum()) for name in wanted)
    return abs(slope - exactly.value) <= exactly.error + 1e-7 * size


def _along(
    objective: FunctionObjective,
    point: dict[str, Tensor],
    gradients: dict[str, Tensor],
    towards: dict[str, Tensor],
) -> tuple[float, Estimate]:
    """The slope along a direction, by the gradients and by the values."""

    def value(step: float) -> float:
        with torch.no_grad(), ExactRun():
            return objective(point, {name: step * way for name, way in towards.items()}).item()

    terms = sum(float(weight.abs().sum()) for name, weight in point.items() if name not in towards)
    slope = sum(float((gradients[name] * way).sum()) for name, way in towards.items())
    size = max((float(point[name].abs().max()) for name in towards if point[name].numel()), default=1.0)
    return slope, estimated(value, min(size or 1.0, 1.0), terms)
