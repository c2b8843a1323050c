"""A plain differentiable torch function as one number: its outputs, weighted by upstream gradients."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from torch_reference.judging.calls.arguments import Arguments
from torch_reference.judging.calls.nests import named_tensors
from torch_reference.judging.calls.points import (
    UPSTREAM,
    Tensors,
    quiet_call,
    same_random_numbers,
    shifted,
    weighted,
)
from torch_reference.judging.calls.raised_errors import user_code


@dataclass(frozen=True)
class FunctionObjective:
    """A plain differentiable torch function's outputs, weighted by upstream gradients that the point holds.

    A point holds "inputs[0]", … and "d_loss_d_outputs[0]", …; without arguments the inputs are passed on in
    their order. rng_state is where its random numbers begin, where it draws any.
    """

    function: Callable[..., Any]
    arguments: Arguments | None = None
    rng_state: Tensor | None = None

    def __call__(self, point: Tensors, shifts: Tensors, cuts: Sequence[str] = ()) -> Tensor:
        """Evaluate Σ ⟨upstream, output⟩ over the outputs that have an upstream gradient."""
        inputs = {
            name: shifted(value, shifts[name]) if name in shifts else value
            for name, value in point.items()
            if name.startswith("inputs[")
        }
        outputs = named_tensors(self.outputs(inputs), "outputs")
        terms = [
            weighted(point[UPSTREAM + name], output)
            for name, output in outputs.items()
            if UPSTREAM + name in point
        ]
        return torch.stack(terms).sum()

    def outputs(self, inputs: Tensors) -> Any:
        """What the function returns for these inputs."""
        with user_code("reference"), same_random_numbers(self.rng_state):
            if self.arguments is None:
                return self.function(*inputs.values())
            return self.arguments.call(self.function, inputs)

    def looked_at(self, inputs: Tensors, wanted: Sequence[str]) -> tuple[dict[str, Tensor], bool]:
        """The outputs by name, and whether one of them depends on an input whose gradient is wanted."""
        leaves = {
            name: value.detach().clone().requires_grad_() if name in wanted else value
            for name, value in inputs.items()
        }
        with torch.enable_grad():
            outputs = named_tensors(self.outputs(leaves), "outputs")
        depends = any(output.requires_grad for output in outputs.values())
        return {name: output.detach() for name, output in outputs.items()}, depends

    def draws_random_numbers(self, inputs: Tensors) -> bool:
        """Whether it draws from torch's generator, as dropout does."""
        with quiet_call(), same_random_numbers(self.rng_state), user_code("reference"):
            before = torch.get_rng_state()
            if self.arguments is None:
                self.function(*inputs.values())
            else:
                self.arguments.call(self.function, inputs)
            return not torch.equal(before, torch.get_rng_state())
