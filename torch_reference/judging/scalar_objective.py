"""What is differentiated: a network's loss, or a function's outputs, as one number of named shifts.

A shift is a tensor of zeros that is added to a parameter, to an input or to a submodule's output. The
gradient with respect to the shift is the gradient with respect to what it is added to, for the reference by
autograd and for the third witness by a difference quotient.

The graph can also be cut at a submodule's output. Behind the cut the output is a constant, and before the
cut the objective is the upstream gradient that the derivation itself returned for that output, times it:

    objective = Loss(constants) + Σ over cuts of ⟨manual d_loss_d_output, output⟩

Its gradient is what a right derivation makes of its own upstream gradients. So each link is judged by itself:
a link that is wrong does not blame those that it feeds.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from torch_reference.judging.calls.module_outputs import Output, each_output, named_outputs, one_name
from torch_reference.judging.calls.nests import complex_again, dense
from torch_reference.judging.calls.points import UPSTREAM, VALUE, Tensors, network_inputs, unseen, weighted
from torch_reference.judging.calls.private_model import one_at_a_time, own_name
from torch_reference.judging.calls.raised_errors import user_code
from torch_reference.judging.calls.shifts import shifted, zero_shifts
from torch_reference.judging.function_objective import FunctionObjective
from torch_reference.layers.random_state import RandomState, same_random_numbers

__all__ = [
    "UPSTREAM",
    "FunctionObjective",
    "Loss",
    "NetworkObjective",
    "Objective",
    "Tensors",
    "reference_gradients",
    "reference_graph",
]

Loss = Callable[[Any, Any], Tensor]


@dataclass(frozen=True)
class NetworkObjective:
    """The loss of a module; a point holds parameters, "inputs" and "targets" by name.

    Several inputs are "inputs[0]", "inputs[1]", … and are passed to the module in that order.
    """

    model: nn.Module
    loss: Loss
    rng_state: RandomState

    def __call__(self, point: Tensors, shifts: Tensors, cuts: Sequence[str] = ()) -> Tensor:
        """Evaluate the objective, with the model's state and the random numbers left as they were."""
        with one_at_a_time(self.model):
            return self._evaluated(point, shifts, cuts)

    def imaginary(self, point: Tensors, shifts: Tensors, cuts: Sequence[str] = ()) -> float:
        """The imaginary part of the same where a shift is imaginary; 0 where the loss is real."""
        found = self(point, shifts, cuts)
        return float(found.imag) if found.is_complex() else 0.0

    def _evaluated(self, point: Tensors, shifts: Tensors, cuts: Sequence[str]) -> Tensor:
        terms: list[Tensor] = []
        values = {
            name: shifted(point[name], shifts[name]) if name in shifts else point[name] for name in self.names
        }
        parameters = self.as_given(values)
        dtype = next(value.dtype for value in point.values() if value.is_floating_point())
        buffers = {
            name: value.to(dtype, copy=True) if value.is_floating_point() else value.clone()
            for name, value in self.model.named_buffers()
        }

        def moved(module: str, call: int, part: str, output: Tensor) -> Tensor:
            name = one_name(shifts, self.modules, module, call, part)
            if name is None:
                return output
            if name in cuts:
                terms.append(weighted(point[UPSTREAM + name], output))
                # A given value makes the cut hold for a difference quotient too.
                output = point.get(VALUE + name, output).detach()
            return shifted(output, shifts[name])

        starts = {name.partition("[")[0] for name in shifts if name not in self.names}
        starts |= {start.rpartition(".")[0] for start in starts}
        hooked = {name: module for name, module in self.modules.items() if name in starts}
        # Dropout draws the same mask in every evaluation.
        with each_output(hooked, moved), user_code("model and loss"), same_random_numbers(self.rng_state):
            output = functional_call(self.model, (parameters, buffers), network_inputs(point))
            value = self.loss(output, point.get("targets"))
            with torch._C.DisableTorchFunction():
                return sum(terms, value)

    def as_given(self, values: Tensors) -> dict[str, Tensor]:
        """A point's parameters as the model has them, by its names; complex ones are pairs in a point."""
        found = {given: values[name] for name, given in self.names.items()}
        pairs = [name for name, value in self.model.named_parameters() if value.is_complex()]
        return found | {name: complex_again(found[name]) for name in pairs}

    @cached_property
    def names(self) -> dict[str, str]:
        """The names of the model's parameters in a point, and those that they have in the model."""
        return {own_name(name): name for name, _ in self.model.named_parameters()}

    @cached_property
    def modules(self) -> dict[str, nn.Module]:
        """The model's submodules."""
        return {own_name(name): module for name, module in self.model.named_modules() if name}

    def run(self, point: Tensors) -> tuple[Tensor, dict[str, tuple[int, Tensor]]]:
        """The loss, and every output of a submodule by its name, as module_outputs.py names them.

        In the order in which they finish, so that the reverse is the order of the backward pass.
        """
        seen: list[Output] = []

        def look(module: str, call: int, part: str, output: Tensor) -> Tensor:
            seen.append(Output(module, call, part, output))
            return output

        with one_at_a_time(self.model), each_output(self.modules, look), torch.no_grad():
            value = self(point, {})
        return value, named_outputs(seen, {*self.modules, *self.names})


Objective = NetworkObjective | FunctionObjective


def reference_gradients(
    objective: Objective,
    point: Tensors,
    names: Mapping[str, Sequence[int]],
    cuts: Sequence[str] = (),
    during_forward: Callable[[Tensors], AbstractContextManager[Any]] = nullcontext,
    outputs: Collection[str] = (),
) -> dict[str, Tensor]:
    """Autograd's gradient of the objective with respect to everything named, in the point's dtype.

    Shapes: names maps each name to its shape, and each result has that shape; a context for the forward
            pass is made from the shifts; outputs are those of a function that are returned besides
    """
    # Who looks on during the forward pass sees the products with the upstream gradients, too.
    with_outputs = isinstance(objective, FunctionObjective) and during_forward is nullcontext
    # What was made under inference_mode can be no leaf.
    as_leaves = getattr(objective, "takes_leaves", False) and with_outputs
    as_leaves = as_leaves and all(name in point and not point[name].is_inference() for name in names)
    with unseen():
        constants = {key: tensor.detach() for key, tensor in point.items()}
        if as_leaves:
            leaves, shifts = {name: constants[name].requires_grad_() for name in names}, dict[str, Tensor]()
        else:
            leaves, shifts = zero_shifts(point, names, cuts)
    made: Mapping[str, Tensor] = {}
    with torch.enable_grad(), during_forward(shifts):
        if isinstance(objective, FunctionObjective) and with_outputs:
            made, value = objective.with_outputs(constants, shifts)
        else:
            value = objective(constants, shifts, cuts)
    besides = {name: made[name].detach() for name in outputs}
    if not value.requires_grad:
        return besides | {name: torch.zeros_like(leaf).contiguous() for name, leaf in leaves.items()}
    with user_code("reference's own backward"):
        found = torch.autograd.grad(value, list(leaves.values()), allow_unused=True)
    return besides | {
        name: torch.zeros_like(leaf)
        if gradient is None
        else dense(gradient)  # as of nn.Embedding(sparse=True)
        for (name, leaf), gradient in zip(leaves.items(), found, strict=True)
    }


def reference_graph(
    objective: Objective,
    point: Tensors,
    names: Mapping[str, Sequence[int]],
    cuts: Sequence[str],
    during_forward: Callable[[Tensors], AbstractContextManager[Any]],
) -> tuple[Tensor, dict[str, Tensor]]:
    """(the objective, of everything named what it is to be differentiated by), with the graph between them.

    Shapes: as of reference_gradients
    """
    with unseen():
        constants = {key: tensor.detach() for key, tensor in point.items()}
        leaves, shifts = zero_shifts(point, names, cuts)
    with torch.enable_grad(), during_forward(shifts):
        return objective(constants, shifts, cuts), leaves
