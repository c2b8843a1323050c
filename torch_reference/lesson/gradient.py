"""Autograd's gradient of the SSR with respect to every parameter and every intermediate, by name."""

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from torch_reference.lesson.batching import Values, batched
from torch_reference.lesson.formulas import local_links
from torch_reference.lesson.network import COLUMNS, FORMULAS, PARAMETERS, LessonNetwork, state_dict

LESSON_WRT = ("w3", "w4", "b3")

REFERENCE = LessonNetwork()
"""The network that every call differentiates; its own parameters are replaced and never read."""

LOCAL_LINKS = local_links(FORMULAS)
"""Intermediate -> what it is differentiated by in one link of a chain."""


def forward(
    parameters: Mapping[str, Float[Tensor, "*parameter_batch"]],
    inputs: Float[Tensor, "*data_batch n"],
    observed: Float[Tensor, "*data_batch n"],
    *,
    network: LessonNetwork = REFERENCE,
) -> dict[str, Float[Tensor, "*batch n"]]:
    """Every named intermediate of the module's forward pass: those of FORMULAS, and residual.

    Shapes: parameters (*batch), data and results (*batch, n); either batch may be ()

    >>> import torch, torch_reference
    >>> zeros = {name: torch.tensor(0.0, dtype=torch.float64) for name in torch_reference.PARAMETERS}
    >>> inputs, observed = torch.tensor([[0, 0.5, 1], [0, 1, 0]], dtype=torch.float64)
    >>> torch_reference.forward(zeros, inputs, observed)["y1"]  # SoftPlus(0) = log 2
    tensor([0.6931, 0.6931, 0.6931], dtype=torch.float64)
    """
    return batched(partial(_forward, network), parameters, inputs, observed)


def gradients(
    parameters: Mapping[str, Float[Tensor, "*parameter_batch"]],
    inputs: Float[Tensor, "*data_batch n"],
    observed: Float[Tensor, "*data_batch n"],
    wrt: Sequence[str] = LESSON_WRT,
    *,
    network: LessonNetwork = REFERENCE,
) -> dict[str, Float[Tensor, "*batch"]]:
    """Autograd's gradient of the SSR with respect to the named parameters.

    Shapes: parameters (*batch), data (*batch, n), results (*batch); either batch may be ()

    >>> import torch, torch_reference
    >>> zeros = {name: torch.tensor(0.0, dtype=torch.float64) for name in torch_reference.PARAMETERS}
    >>> inputs, observed = torch.tensor([[0, 0.5, 1], [0, 1, 0]], dtype=torch.float64)
    >>> torch_reference.gradients(zeros, inputs, observed, wrt=["b3"])  # the sum of -2 (Observed - 0)
    {'b3': tensor(-2., dtype=torch.float64)}
    """
    unknown = [name for name in wrt if name not in PARAMETERS]
    if unknown:
        raise ValueError(f"unknown parameter {unknown[0]!r}: the known ones are {', '.join(PARAMETERS)}")
    batch = next(iter(parameters.values())).shape or inputs.shape[:-1]
    leaves = {
        name: value.detach().expand(batch).clone().requires_grad_() for name, value in parameters.items()
    }
    if not wrt or 0 in batch:
        return {name: torch.zeros_like(leaves[name], requires_grad=False) for name in wrt}
    # Networks of a batch never meet, so that the gradient of the sum of their SSRs holds each one's own.
    # torch.func.grad would give the same, but at its first use it imports torch._dynamo, for 1.8 s.
    with torch.enable_grad():
        ssr = batched(partial(_ssr, network), leaves, inputs, observed)["ssr"].sum()
    return dict(zip(wrt, torch.autograd.grad(ssr, [leaves[name] for name in wrt]), strict=True))


def intermediate_gradients(
    parameters: Mapping[str, Float[Tensor, "*parameter_batch"]],
    inputs: Float[Tensor, "*data_batch n"],
    observed: Float[Tensor, "*data_batch n"],
    *,
    network: LessonNetwork = REFERENCE,
) -> dict[str, Float[Tensor, "*batch n"]]:
    """Autograd's gradient of the SSR with respect to every intermediate of FORMULAS.

    Shapes: parameters (*batch), data and results (*batch, n)

    >>> import torch, torch_reference
    >>> zeros = {name: torch.tensor(0.0, dtype=torch.float64) for name in torch_reference.PARAMETERS}
    >>> inputs, observed = torch.tensor([[0, 0.5, 1], [0, 1, 0]], dtype=torch.float64)
    >>> torch_reference.intermediate_gradients(zeros, inputs, observed)["d_ssr_d_predicted"]
    tensor([-0., -2., -0.], dtype=torch.float64)
    """
    return batched(partial(_d_ssr_d_intermediates, network), parameters, inputs, observed)


def links(
    parameters: Mapping[str, Float[Tensor, "*parameter_batch"]],
    inputs: Float[Tensor, "*data_batch n"],
    observed: Float[Tensor, "*data_batch n"],
    *,
    network: LessonNetwork = REFERENCE,
) -> dict[str, Float[Tensor, "*batch n"]]:
    """Autograd's value of every link of every chain, named d_A_d_B, from the SSR backwards.

    A link d_ssr_d_B is the gradient of the SSR with respect to an intermediate; a local link such as
    d_predicted_d_w3 or d_y1_d_x1 is the gradient of one intermediate, observation by observation.

    Shapes: parameters (*batch), data and results (*batch, n)

    >>> import torch, torch_reference
    >>> zeros = {name: torch.tensor(0.0, dtype=torch.float64) for name in torch_reference.PARAMETERS}
    >>> inputs, observed = torch.tensor([[0, 0.5, 1], [0, 1, 0]], dtype=torch.float64)
    >>> torch_reference.links(zeros, inputs, observed)["d_y1_d_x1"]  # the sigmoid of 0
    tensor([0.5000, 0.5000, 0.5000], dtype=torch.float64)
    """
    return batched(partial(_links, network), parameters, inputs, observed)


def _intermediates(
    network: LessonNetwork, parameters: Values, inputs: Tensor, observed: Tensor, shifts: Values
) -> Values:
    """One network's intermediates; a shift, zero in value, makes an intermediate a variable of its own."""
    found: Values = {}

    def shifted(layer: str, output: Tensor) -> Tensor:
        columns = zip(COLUMNS[layer], output.unbind(1), strict=True)
        own = {name: column + shifts[name] for name, column in columns}
        found.update(own)
        return torch.stack(list(own.values()), dim=1)

    functional_call(network, state_dict(parameters), (inputs.unsqueeze(1), shifted))
    return {**{name: found[name] for name in FORMULAS}, "residual": observed - found["predicted"]}


def _zero_shifts(inputs: Tensor) -> Values:
    return {name: torch.zeros_like(inputs) for name in LOCAL_LINKS}


def _forward(network: LessonNetwork, parameters: Values, inputs: Tensor, observed: Tensor) -> Values:
    return _intermediates(network, parameters, inputs, observed, _zero_shifts(inputs))


def _ssr(network: LessonNetwork, parameters: Values, inputs: Tensor, observed: Tensor) -> Values:
    predicted = functional_call(network, state_dict(parameters), (inputs.unsqueeze(1),)).squeeze(1)
    return {"ssr": nn.functional.mse_loss(predicted, observed, reduction="sum")}


def _d_ssr_d_intermediates(
    network: LessonNetwork, parameters: Values, inputs: Tensor, observed: Tensor
) -> Values:
    def ssr(shifts: Values) -> Tensor:
        return _intermediates(network, parameters, inputs, observed, shifts)["residual"].square().sum()

    derivatives = grad(ssr)(_zero_shifts(inputs))
    return {f"d_ssr_d_{name}": value for name, value in derivatives.items()}


def _links(network: LessonNetwork, parameters: Values, inputs: Tensor, observed: Tensor) -> Values:
    def of_one_observation(one_input: Tensor, one_observed: Tensor) -> Values:
        data = (one_input.unsqueeze(0), one_observed.unsqueeze(0))

        def derivatives(output: str) -> Values:
            """Gradient of one intermediate with respect to all parameters and all other intermediates."""

            def value(parameters: Values, shifts: Values) -> Tensor:
                return _intermediates(network, parameters, *data, shifts)[output].squeeze(0)

            by_parameter, by_shift = grad(value, argnums=(0, 1))(parameters, _zero_shifts(data[0]))
            return {**by_parameter, **{name: shift.squeeze(0) for name, shift in by_shift.items()}}

        of = {output: derivatives(output) for output in LOCAL_LINKS}
        return {f"d_{a}_d_{b}": of[a][b] for a, variables in LOCAL_LINKS.items() for b in variables}

    local: Values = vmap(of_one_observation)(inputs, observed)
    return {**_d_ssr_d_intermediates(network, parameters, inputs, observed), **local}
