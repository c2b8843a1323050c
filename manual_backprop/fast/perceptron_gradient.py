"""The gradient of a perceptron with respect to every parameter, without what costs small networks their time.

The chain is that of perceptron.py, which is the one to read. Here all is checked once, on entry, instead of
in every layer; the bias is added by the matrix product; what the backward pass has read is overwritten or let
go of; and the gradient may be written where an earlier one stands. A small network is one call of the kernel,
in small_perceptron.py. docs/speed.md tells what these gain.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from manual_backprop.checks import DTYPES, check_choice, check_names
from manual_backprop.fast.kernels.plain_tensors import is_watched
from manual_backprop.fast.shared_memory import share_memory, start_of
from manual_backprop.fast.small_perceptron import Small
from manual_backprop.layers.activations import ELEMENTWISE
from manual_backprop.layers.layer import check_like, check_shape, is_like
from manual_backprop.layers.linear import LINEAR
from manual_backprop.losses.softmax_cross_entropy import check_classes
from manual_backprop.losses.table import LOSSES
from manual_backprop.networks import perceptron as plain
from manual_backprop.networks.architecture import Perceptron

RELU = ELEMENTWISE["relu"]
Out = Mapping[str, Tensor] | None


def _d_ssr_d_output(output: Tensor, targets: Tensor) -> Tensor:
    """Formula: ∂SSR/∂Outputᵢ = −2 (Targetᵢ − Outputᵢ), written over the output."""
    check_like("targets", targets, "predicted", output)
    check_shape("targets", targets, output.shape)
    return output.sub_(targets).mul_(2)


def _d_cross_entropy_d_output(output: Tensor, targets: Tensor) -> Tensor:
    """Formula: ∂Loss/∂Outputᵢₖ = Shareᵢₖ − [k = Classᵢ], written over the output."""
    check_classes(output, targets)
    shares = torch.softmax(output, 1, out=output)
    return shares.scatter_(1, targets.unsqueeze(1), -1, reduce="add")


_OVER_THE_OUTPUT: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "ssr": _d_ssr_d_output,
    "mean_squared_error": lambda output, targets: _d_ssr_d_output(output, targets).div_(output.numel()),
    "cross_entropy_sum": _d_cross_entropy_d_output,
    "cross_entropy_mean": lambda output, targets: _d_cross_entropy_d_output(output, targets).div_(
        output.shape[0]
    ),
}
"""The losses whose derivative needs no more memory than the output, which nothing else reads."""


class Gradients:
    """The gradient of one architecture and one loss: prepared once, called at every step.

    Errors: ValueError for an unknown loss
    """

    def __init__(self, network: Perceptron, loss: str = "ssr") -> None:
        """Decide how each module is done."""
        check_choice("loss", loss, LOSSES)
        self.network, self.loss = network, loss
        self._shapes = [(name, torch.Size(shape)) for name, shape in network.shapes.items()]
        # A perceptron begins with a linear layer, whose weight is (outputs, inputs).
        self._width = self._shapes[0][1][1]
        # A ReLU may change its input where that is the output of a linear layer, which nothing else reads.
        self._modules = [
            (module.layer, module.parameters, module.layer is RELU and before.layer is LINEAR)
            for before, module in pairwise([network.modules[0], *network.modules])
        ]
        self._d_loss_d_output = _OVER_THE_OUTPUT.get(loss) if network.modules[-1].layer is LINEAR else None
        self._small = Small(network, loss)

    def __call__(
        self,
        parameters: Mapping[str, Tensor],
        inputs: Tensor,
        targets: Tensor,
        out: Out = None,
    ) -> dict[str, Tensor]:
        """Gradient of the loss with respect to every parameter: perceptron.gradients, to rounding.

        out, such as the result of an earlier call, is overwritten and returned: from some millions of
        parameters, new memory for the gradient takes longer than all activations together.

        Formula: {name: ∂Loss/∂name for every parameter}
        Shapes:  inputs (n, first width), targets as the loss takes them, each result as its parameter
        Errors:  those of perceptron.gradients; ValueError or TypeError for an out that does not fit
        Source:  perceptron.gradients
        """
        data = inputs, targets
        if not self._is_plain(parameters, *data, out):
            return self._plainly(parameters, *data, out)
        out = {} if out is None else self._checked(out, parameters)
        found_at_once = self._small.gradients(parameters, *data, out)
        if found_at_once is not None:
            return found_at_once
        if out and share_memory(out.values(), (*parameters.values(), *data)):
            return self._plainly(parameters, *data, out)
        output, saved = self._forward(parameters, inputs)
        if self._d_loss_d_output is None:
            loss = LOSSES[self.loss]
            d_loss_d_output = loss.d_loss_d_predicted(loss.forward(output, targets)[1])
        else:
            d_loss_d_output = self._d_loss_d_output(output, targets)
        return self._backward(parameters, saved, d_loss_d_output, out)

    def _is_plain(self, parameters: Mapping[str, Tensor], inputs: Tensor, targets: Tensor, out: Out) -> bool:
        """Whether these are what the short way takes; the plain one judges all else."""
        if is_watched() or not self._fits(parameters, inputs):
            return False
        for tensor in (targets, *(() if out is None else out.values())):
            if type(tensor) is not Tensor or tensor.requires_grad or tensor.is_nested:
                return False
        return True

    def _plainly(
        self, parameters: Mapping[str, Tensor], inputs: Tensor, targets: Tensor, out: Out
    ) -> dict[str, Tensor]:
        """The plain derivation, which has read all before the first number of out is written."""
        found = plain.gradients(self.network, parameters, inputs, targets, self.loss)
        if out is None:
            return found
        fitting = self._checked(out, parameters)
        for name, parameter in parameters.items():
            if start_of(fitting[name]) == start_of(parameter) != 0:
                raise ValueError(f"out's {name} is the parameter itself, which the gradient would overwrite")
        if share_memory(fitting.values()):
            raise ValueError("out's tensors share memory: one derivative would overwrite another")
        return {name: fitting[name].copy_(found[name]) for name in found}

    def _fits(self, parameters: Mapping[str, Tensor], inputs: Tensor) -> bool:
        """Whether parameters and inputs are plain tensors of the network's shapes."""
        if type(inputs) is not Tensor or inputs.dim() != 2 or inputs.dtype not in DTYPES:
            return False
        if inputs.requires_grad or inputs.layout is not torch.strided or inputs.is_nested:
            return False
        if len(parameters) != len(self._shapes):
            return False
        dtype, device = inputs.dtype, inputs.device
        for name, shape in self._shapes:
            parameter = parameters.get(name)
            if type(parameter) is not Tensor or parameter.dtype is not dtype or parameter.shape != shape:
                return False
            if parameter.device != device or parameter.requires_grad:
                return False
        return inputs.shape[1] == self._width

    def _forward(self, parameters: Mapping[str, Tensor], inputs: Tensor) -> tuple[Tensor, list[Any]]:
        output, saved = inputs, []
        for layer, names, in_place in self._modules:
            if layer is LINEAR:
                weight, bias = (parameters[name] for name in names)
                saved.append(output)
                output = torch.addmm(bias, output, weight.t())
            elif in_place:
                saved.append(output.clamp_(min=0))
            else:
                own = {own: parameters[name] for name, own in names.items()}
                output, saved_here = layer.forward(own, output)
                saved.append(saved_here)
        return output, saved

    def _backward(
        self,
        parameters: Mapping[str, Tensor],
        saved: list[Any],
        d_loss_d_output: Tensor,
        out: Mapping[str, Tensor],
    ) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for layer, names, in_place in reversed(self._modules):
            saved_here = saved.pop()
            if layer is LINEAR:
                weight, bias = names
                found[bias] = torch.sum(d_loss_d_output, 0, out=out.get(bias))
                found[weight] = torch.mm(d_loss_d_output.t(), saved_here, out=out.get(weight))
                if saved:
                    d_loss_d_output = torch.mm(d_loss_d_output, parameters[weight])
            elif in_place:
                # ReLU is positive where its derivative is 1, and 0 where that is 0; all readers are done.
                d_loss_d_output.mul_(saved_here.sign_())
            else:
                d_loss_d_output = layer.derivatives["input"](saved_here, d_loss_d_output)
        return {name: found[name] for name, _ in self._shapes}

    def _checked(self, out: Mapping[str, Tensor], parameters: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        check_names(out, self.network.parameters)
        for name, parameter in parameters.items():
            if name not in out:
                raise ValueError(f"out has no {name}: all of {', '.join(self.network.parameters)} are needed")
            if not is_like(out[name], parameter):  # for else even the names of the checks cost time
                check_like(f"out's {name}", out[name], name, parameter)
                check_shape(f"out's {name}", out[name], parameter.shape)
        return out
