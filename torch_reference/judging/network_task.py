"""The task of differentiating a network's loss, by the names of its parameters and submodules."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from torch import Tensor, nn

from torch_reference.judging.calls.nested_inputs import Again, flat_inputs
from torch_reference.judging.calls.nests import real_pairs
from torch_reference.judging.calls.plain_numbers import Converted
from torch_reference.judging.calls.points import as_tuple, network_inputs, usable
from torch_reference.judging.calls.private_model import own_name, private_copy
from torch_reference.judging.derivation_task import Task
from torch_reference.judging.scalar_objective import Loss, NetworkObjective, Tensors
from torch_reference.layers.random_state import random_state

NetworkDerivation = Callable[[Mapping[str, Tensor], Any, Any], Mapping[str, Tensor | None]]


def network_task(
    model: nn.Module,
    loss: Loss,
    inputs: Tensor | Sequence[Tensor],
    targets: Tensor | None,
    derivation: NetworkDerivation,
) -> Task:
    """The task of check_derivation."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"the model must be a torch.nn.Module, found {type(model).__name__}")
    parameters = {own_name(name): real_pairs(usable(value)) for name, value in model.named_parameters()}
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
    state = random_state(model, loss)
    value, first = NetworkObjective(own, loss, state.of_torch()).run(point)
    objective = NetworkObjective(own, loss, state.of_moved())
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

    return Task(
        derivation=_by_own_names(_of_nested(derivation, inputs, again), objective, point, several),
        objective=objective,
        point=point,
        shapes=shapes,
        required=[own_name(name) for name, value in model.named_parameters() if value.requires_grad],
        parameters=list(parameters),
        links=[name for name, (count, _) in first.items() if count == 1],
        batched=_batched([*given, *(["targets"] if targets is not None else [])], point),
        refused={name: _which_is_meant(name, count) for name, (count, _) in first.items() if count != 1},
    )


def _which_is_meant(name: str, count: int) -> str:
    if not count:
        return f"this submodule returns several tensors: expected {name}.0, {name}.1, … or their keys"
    return f"this submodule is called {count} times: expected {name}[0] to {name}[{count - 1}]"


def with_derivation(task: Task, model: nn.Module, inputs: Any, derivation: NetworkDerivation) -> Task:
    """The task of another derivation of the same network, which gets flat inputs."""
    several, objective = not isinstance(inputs, Tensor), cast(NetworkObjective, task.objective)
    return replace(task, derivation=_by_own_names(derivation, objective, task.point, several))


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
    derivation: NetworkDerivation, objective: NetworkObjective, point: Tensors, several: bool
) -> Converted:
    """The derivation as a task calls it: of one point, whose names are the user's but for those that meet."""

    def derive(values: Tensors) -> Mapping[str, Tensor | None]:
        own = objective.as_given(values)
        arguments = network_inputs(values)
        result = derivation(own, arguments if several else arguments[0], values.get("targets"))
        if not isinstance(result, Mapping):
            return result
        return {own_name(name) if isinstance(name, str) else name: value for name, value in result.items()}

    return Converted(derive, point[next(iter(objective.names))])


def _batched(names: Sequence[str], point: Tensors) -> list[str]:
    """The data whose rows are observations: all of them, if they have equally many rows."""
    sizes = {point[name].shape[:1] for name in names}
    return list(names) if len(sizes) == 1 and sizes != {()} else []


def _check_parameters(parameters: Tensors) -> None:
    if not parameters:
        raise ValueError("the model has no parameters: there is no gradient to compare")
