"""The activations, each beside its local derivative, and the layers that they make.

At a kink there is no derivative; torch's convention is used, and named where it applies.
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from manual_backprop.layers.layer import Layer, check_float, check_parameters
from manual_backprop.lesson.elementary import d_sigmoid_d_x, d_softplus_d_x, softplus

GELU_CUBIC = 0.044715
"""The coefficient of the cube in GELU's tanh form (Hendrycks and Gimpel 2016, section 2)."""


def relu(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Rectified linear unit.

    Formula: ReLU(x) = max(x, 0)
    """
    return x.clamp(min=0)


def d_relu_d_x(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Derivative of ReLU, by torch's convention 0 at the kink.

    Formula: 1 for x > 0, else 0
    """
    return (x > 0).to(x.dtype)


def leaky_relu(x: Float[Tensor, "*shape"], slope: float = 0.01) -> Float[Tensor, "*shape"]:
    """ReLU with a small slope on the left, so that no unit dies.

    Formula: x for x > 0, else slope · x
    """
    return torch.where(x > 0, x, slope * x)


def d_leaky_relu_d_x(x: Float[Tensor, "*shape"], slope: float = 0.01) -> Float[Tensor, "*shape"]:
    """Derivative of leaky ReLU, by torch's convention the slope on the left at the kink.

    Formula: 1 for x > 0, else slope
    """
    # Two plain numbers would make torch.where round the slope to float32, whatever the dtype of x.
    return torch.where(x > 0, x.new_ones(()), x.new_tensor(slope))


def sigmoid(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Logistic sigmoid.

    Formula: σ(x) = 1 / (1 + exp(−x))
    """
    return torch.sigmoid(x)


def tanh(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Hyperbolic tangent.

    Formula: tanh(x) = (exp(x) − exp(−x)) / (exp(x) + exp(−x))
    """
    return torch.tanh(x)


def d_tanh_d_x(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Derivative of the hyperbolic tangent.

    Formula: 1 − tanh²(x) = 1 / cosh²(x)
    """
    # The first form cancels: it has no right digit from x = 19 on (float32: 9).
    return (1 / torch.cosh(x)) ** 2


def silu(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Sigmoid linear unit, also called swish.

    Formula: SiLU(x) = x · σ(x)
    """
    return x * torch.sigmoid(x)


def d_silu_d_x(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Derivative of SiLU.

    Formula: σ(x) + x · σ′(x) = σ(x) + x · σ(x) · σ(−x)
    Source:  the product rule
    """
    return torch.sigmoid(x) + x * d_sigmoid_d_x(x)


def gelu(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Gaussian error linear unit, exact form: the input times the share of a standard normal below it.

    Formula: GELU(x) = x · Φ(x), Φ(x) = (1 + erf(x / √2)) / 2
    Source:  Hendrycks and Gimpel 2016
    """
    return x * _normal_share_below(x)


def d_gelu_d_x(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Derivative of GELU's exact form.

    Formula: Φ(x) + x · φ(x), φ(x) = exp(−x² / 2) / √(2π)
    Source:  the product rule; the normal density φ is the derivative of Φ
    """
    density = torch.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    return _normal_share_below(x) + x * density


def _normal_share_below(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Φ(x), written as erfc(−x / √2) / 2: 1 + erf cancels on the left and is exactly 0 below x = −8.3."""
    return 0.5 * torch.erfc(-x * math.sqrt(0.5))


def gelu_tanh(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """GELU with tanh in the place of erf.

    Formula: x · (1 + tanh(u)) / 2 = x · σ(2u), u = √(2/π) · (x + 0.044715 x³)
    Source:  Hendrycks and Gimpel 2016
    """
    # 1 + tanh(u) cancels on the left, as 1 + erf does; 2σ(2u) is the same without.
    return x * torch.sigmoid(2 * _gelu_tanh_inner(x))


def d_gelu_tanh_d_x(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Derivative of GELU's tanh form.

    Formula: σ(2u) + x · σ′(2u) · 2u′, u′ = √(2/π) · (1 + 3 · 0.044715 x²)
    Source:  the product rule and the chain rule
    """
    inner = _gelu_tanh_inner(x)
    d_inner_d_x = math.sqrt(2 / math.pi) * (1 + 3 * GELU_CUBIC * x * x)
    return torch.sigmoid(2 * inner) + x * d_sigmoid_d_x(2 * inner) * 2 * d_inner_d_x


def _gelu_tanh_inner(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    return math.sqrt(2 / math.pi) * (x + GELU_CUBIC * x**3)


class Saved(NamedTuple):
    """What an elementwise derivative reads: the input, of any shape."""

    input: Tensor

    @property
    def output_shape(self) -> torch.Size:
        """The input's shape."""
        return self.input.shape


def elementwise(function: Callable[[Tensor], Tensor], d_function_d_x: Callable[[Tensor], Tensor]) -> Layer:
    """The layer that applies a function to every element: its Jacobian is diagonal.

    Formula: Outputᵢ = f(Inputᵢ), ∂Loss/∂Inputᵢ = ∂Loss/∂Outputᵢ · f′(Inputᵢ)
    Shapes:  any; output and d_loss_d_input have the shape of the input
    """

    def forward(parameters: Mapping[str, Tensor], inputs: Tensor) -> tuple[Tensor, Saved]:
        check_parameters("an activation", parameters, ())
        check_float("inputs", inputs)
        return function(inputs), Saved(inputs)

    def d_loss_d_input(saved: Saved, d_loss_d_output: Tensor) -> Tensor:
        return d_loss_d_output * d_function_d_x(saved.input)

    return Layer(forward, {"input": d_loss_d_input})


ELEMENTWISE: Mapping[str, Layer] = {
    "softplus": elementwise(softplus, d_softplus_d_x),
    "relu": elementwise(relu, d_relu_d_x),
    "leaky_relu": elementwise(leaky_relu, d_leaky_relu_d_x),
    "sigmoid": elementwise(sigmoid, d_sigmoid_d_x),
    "tanh": elementwise(tanh, d_tanh_d_x),
    "silu": elementwise(silu, d_silu_d_x),
    "gelu": elementwise(gelu, d_gelu_d_x),
    "gelu_tanh": elementwise(gelu_tanh, d_gelu_tanh_d_x),
}
