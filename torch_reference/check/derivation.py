"""The check of a gradient that somebody derived for a network of their own."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from torch_reference.check.examine import examine, raised
from torch_reference.check.located.locating import located_in_derivation
from torch_reference.check.nothing_compared import nothing_in_derivation
from torch_reference.judging.calls.nested_inputs import Again, flat_inputs
from torch_reference.judging.calls.plain_numbers import Converted
from torch_reference.judging.calls.points import leaving_all_alone, usable
from torch_reference.judging.calls.private_model import own_name, private_copy
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.derivation_task import Task
from torch_reference.judging.report import Report
from torch_reference.judging.scalar_objective import Loss, NetworkObjective, Tensors, as_tuple, network_inputs
from torch_reference.layers.generator_state import generator_state
from torch_reference.tolerance.meant import meant

NetworkDerivation = Callable[[Mapping[str, Tensor], Any, Any], Mapping[str, Tensor | None]]


def check_derivation(
    model: nn.Module,
    loss: Loss,
    inputs: Tensor | Sequence[Tensor],
    targets: Tensor | None,
    derivation: NetworkDerivation,
    *,
    rtol: float = 0.0,
    accept: Collection[str] = (),
    draws: int = 4,
) -> Report:
    """Compare a derivation with autograd, element by element, and explain every mismatch.

    derivation(parameters, inputs, targets) returns a mapping from the names of model.named_parameters() to
    the gradient of the loss. It may also return, under the name of a submodule ("hidden", "layers.0"), the
    gradient with respect to that submodule's output: then each link of the chain is judged by itself, and the
    first wrong one is named. Where it differs, the derivation's own local variables are judged as links, too:
    the wrong line is shown, and one edit that would make it right if there is one. The model, its buffers and
    the random number generator are left as they were. rtol and accept are those of check_function.

    Shapes: each gradient has the shape, dtype and device of its parameter or of its submodule's output;
            several inputs are a tuple, passed to the model in that order
    Errors: ValueError for a model without parameters, parameters of two dtypes, or a loss that is not one
            number; TypeError for one that is no tensor; whatever the model, its loss and the derivation raise
            is a finding

    >>> import torch, torch_reference
    >>> model, loss = torch.nn.Linear(2, 1, bias=False), torch.nn.MSELoss(reduction="sum")
    >>> def by_hand(parameters, inputs, observed):
    ...     d_loss_d_predicted = 2 * (inputs @ parameters["weight"].T - observed)
    ...     return {"weight": d_loss_d_predicted.T @ inputs}
    >>> print(torch_reference.check_derivation(model, loss, torch.randn(5, 2), torch.randn(5, 1), by_hand))
    AGREEMENT: 1 gradient, 2 elements, all within rounding (float32)
    """
    with leaving_all_alone(), meant(rtol, accept):
        try:
            task = network_task(model, loss, inputs, targets, derivation)
        except UserCodeError as error:
            dtype = str(next(model.parameters()).dtype).removeprefix("torch.")
            return Report((raised(error),), dtype)
        nothing = nothing_in_derivation(task)
        if nothing is not None:
            return Report((nothing,), str(task.dtype).removeprefix("torch."))
        report = examine(task, draws)

    several = not isinstance(inputs, Tensor)

    def with_another(edited: NetworkDerivation) -> Task:
        return replace(task, derivation=_by_own_names(edited, model, task.point, several))

    given = model, loss, inputs, targets, derivation
    with leaving_all_alone():
        return located_in_derivation(report, *given, with_another) if draws else report


def network_task(
    model: nn.Module,
    loss: Loss,
    inputs: Tensor | Sequence[Tensor],
    targets: Tensor | None,
    derivation: NetworkDerivation,
) -> Task:
    """The task of check_derivation."""
    parameters = {own_name(name): usable(value) for name, value in model.named_parameters()}
    _check_parameters(parameters)
    flat, again = flat_inputs(inputs)
    several = not isinstance(flat, Tensor)
    given = {f"inputs[{i}]" if several else "inputs": usable(value) for i, value in enumerate(as_tuple(flat))}
    point: dict[str, Tensor] = {**parameters, **given}
    if targets is not None:
        point["targets"] = usable(targets)
    own = private_copy(model)
    if again is not None and own is not model:
        rebuild = again
        own.register_forward_pre_hook(lambda _, args: rebuild(args))
    objective = NetworkObjective(own, loss, generator_state())
    value, first = objective.run(point)
    if not isinstance(value, Tensor):
        raise TypeError(f"the loss must be a tensor of one number, found {type(value).__name__}")
    if value.numel() != 1:
        raise ValueError(f"the loss must be one number, found shape {tuple(value.shape)}")

    def shapes(values: Tensors) -> dict[str, Sequence[int]]:
        outputs = first if values is point else objective.run(values)[1]
        found: dict[str, Sequence[int]] = {}
        for module in (*reversed(outputs), ""):
            if module and outputs[module][0] == 1 and module not in parameters:
                found[module] = tuple(outputs[module][1].shape)
            found |= {
                name: tuple(values[name].shape)
                for name in reversed(parameters)
                if name.rpartition(".")[0] == module and name not in found
            }
        return found | {name: tuple(values[name].shape) for name in reversed(parameters) if name not in found}

    calls = {name: count for name, (count, _) in first.items() if count > 1}
    return Task(
        derivation=_by_own_names(_of_nested(derivation, inputs, again), model, point, several),
        objective=objective,
        point=point,
        shapes=shapes,
        required=[own_name(name) for name, value in model.named_parameters() if value.requires_grad],
        parameters=list(parameters),
        links=[name for name, (count, _) in first.items() if count == 1],
        batched=_batched([*given, *(["targets"] if targets is not None else [])], point),
        refused={
            name: f"this submodule is called {count} times: whose output is meant?"
            for name, count in calls.items()
        },
    )


def _of_nested(derivation: NetworkDerivation, inputs: Any, again: Again | None) -> NetworkDerivation:
    """The derivation of the flat inputs, which gets them as they were given."""
    if again is None:
        return derivation

    def of_flat(parameters: Mapping[str, Tensor], flat: Any, targets: Any) -> Mapping[str, Tensor | None]:
        arguments = again(flat)
        return derivation(
            parameters, arguments if isinstance(inputs, tuple | list) else arguments[0], targets
        )

    return of_flat


def _by_own_names(
    derivation: NetworkDerivation, model: nn.Module, point: Tensors, several: bool
) -> Converted:
    """The derivation as a task calls it: of one point, whose names are the user's but for those that meet."""
    given_names = {own_name(name): name for name, _ in model.named_parameters()}

    def derive(values: Tensors) -> Mapping[str, Tensor | None]:
        own = {given: values[name] for name, given in given_names.items()}
        arguments = network_inputs(values)
        result = derivation(own, arguments if several else arguments[0], values.get("targets"))
        if not isinstance(result, Mapping):
            return result
        return {own_name(name) if isinstance(name, str) else name: value for name, value in result.items()}

    return Converted(derive, point[next(iter(given_names))])


def _batched(names: Sequence[str], point: Tensors) -> list[str]:
    """The data whose rows are observations: all of them, if they have equally many rows."""
    sizes = {point[name].shape[:1] for name in names}
    return list(names) if len(sizes) == 1 and sizes != {()} else []


def _check_parameters(parameters: Tensors) -> None:
    if not parameters:
        raise ValueError("the model has no parameters: there is no gradient to compare")
    dtypes = {value.dtype for value in parameters.values()}
    if len(dtypes) > 1:
        found = ", ".join(sorted(map(str, dtypes)))
        raise ValueError(f"all parameters must have one dtype, found {found}")
