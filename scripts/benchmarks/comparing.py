"""Comparing and checking: a batch of networks against one by one, and every element against gradcheck."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call

import manual_backprop
import torch_reference
import torch_reference.networks.perceptron
from benchmarks.contest import Contest, Contestant
from benchmarks.lesson_gradient import Network
from manual_backprop import PARAMETERS
from manual_backprop.fast.seven_parameters import SEVEN
from manual_backprop.networks import perceptron

NETWORKS = 100_000
ROWS = 16
"""Of the data by which a gradient is checked: docs/speed.md says why, and what the ratio is for 4 and 64."""
PROBLEMS = 8
"""A check needs one draw of roundings or two, by the numbers: it is timed over several problems."""


def random_networks(dtype: torch.dtype, device: torch.device, quick: bool) -> Contest:
    """Comparing 100,000 networks of 3 observations: in one call, or one by one with autograd."""
    networks, one_by_one = (NETWORKS // 10, 20) if quick else (NETWORKS, 200)
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(len(SEVEN), networks, dtype=dtype, generator=generator).to(device)
    # The peers know the lesson's own network: where ours has more parameters, they are 0.
    parameters = {name: torch.zeros_like(values[0]) for name in PARAMETERS}
    parameters |= dict(zip(SEVEN, values, strict=True))
    inputs, observed = torch.randn(2, networks, 3, dtype=dtype, generator=generator).to(device).unbind()

    def compared(case: tuple[Mapping[str, Tensor], Tensor, Tensor], theirs: Mapping[str, Tensor]) -> bool:
        manual = manual_backprop.gradients(*case, wrt=SEVEN)
        return all(
            row.agrees for row in torch_reference.compare(manual, theirs, torch_reference.bounds(*case))
        )

    def ours() -> bool:
        case = (parameters, inputs, observed)
        return compared(case, torch_reference.gradients(*case, wrt=SEVEN))

    def loop() -> bool:
        agree = True
        for i in range(one_by_one):
            own = {name: value[i] for name, value in parameters.items()}
            network = Network(own, SEVEN)
            ((observed[i] - network(inputs[i])) ** 2).sum().backward()
            theirs = network.gradients()
            agree &= compared((own, inputs[i], observed[i]), theirs)
        return agree

    def check() -> None:
        assert ours(), "the networks do not agree as a batch"
        assert loop(), "the networks do not agree one by one"

    return Contest(
        name="random-networks",
        title=f"comparing {networks:,} random lesson networks",
        size=networks,
        ours=Contestant("compare, as one batch", ours),
        peers=[Contestant("one by one with autograd", loop, one_by_one / networks)],
        goals={"one by one with autograd": 200.0},
        check=check,
    )


def every_element(dtype: torch.dtype, device: torch.device, rows: int = ROWS) -> Contest:
    """Checking the 4,810 elements of a 64-64-10 perceptron's gradient; gradcheck does one of the problems."""
    generator = torch.Generator().manual_seed(0)
    network = perceptron.perceptron((64, 64, 10), ("tanh", None))
    # gradcheck's difference quotients need float64, whatever the dtype of the others.
    parameters = perceptron.initial_parameters(network, generator, torch.float64)
    model = torch_reference.networks.perceptron.sequential((64, 64, 10), ("tanh", None)).to(
        device, torch.float64
    )
    model.load_state_dict(parameters)
    problems = [
        [torch.randn(rows, width, dtype=torch.float64, generator=generator).to(device) for width in (64, 10)]
        for _ in range(PROBLEMS)
    ]
    inputs, targets = problems[0]

    def ssr(output: Tensor, targets: Tensor) -> Tensor:
        return ((targets - output) ** 2).sum()

    def derivation(given: Mapping[str, Tensor], inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        return perceptron.gradients(network, given, inputs, targets)

    class ByHand(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *values: Tensor) -> Tensor:
            own = dict(zip(parameters, values, strict=True))
            ctx.save_for_backward(*values)
            return ssr(functional_call(model, own, (inputs,)), targets)

        @staticmethod
        def backward(ctx: Any, *upstream: Tensor) -> Any:
            own = dict(zip(parameters, ctx.saved_tensors, strict=True))
            return tuple(upstream[0] * value for value in derivation(own, inputs, targets).values())

    leaves = [value.detach().clone().requires_grad_() for value in model.parameters()]

    def ours() -> bool:
        return all(
            torch_reference.check_derivation(model, ssr, *problem, derivation).agrees for problem in problems
        )

    def gradcheck() -> bool:
        return torch.autograd.gradcheck(ByHand.apply, leaves, check_undefined_grad=False)

    def check() -> None:
        assert ours(), "check_derivation finds a mistake"
        assert gradcheck(), "gradcheck finds a mistake"

    elements = sum(value.numel() for value in parameters.values())
    return Contest(
        name="every-element" if rows == ROWS else f"every-element-{rows}-rows",
        title=f"checking every element of {elements:,} parameters, {rows} rows",
        size=elements,
        ours=Contestant("check_derivation", ours, share=PROBLEMS),
        peers=[Contestant("gradcheck, slow mode", gradcheck)],
        goals={"gradcheck, slow mode": 100.0},
        check=check,
    )
