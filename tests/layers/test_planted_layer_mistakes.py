"""Testing the tests: every planted mistake in a layer is refused by the comparison with torch."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from layers_compared import layer_disagreements
from manual_backprop.layers import activations, linear, normalisation
from manual_backprop.layers.activations import elementwise
from manual_backprop.layers.layer import Layer
from manual_backprop.layers.table import LAYERS
from strategies_layers import make_case

DTYPE = torch.float32
"""Where the bounds are widest: what is refused here is refused in float64 all the more."""


def planted(name: str, derivative: str, wrong: Callable[[Any, Tensor], Tensor]) -> Layer:
    """The layer of this name with one derivative replaced."""
    layer = LAYERS[name]
    return layer._replace(derivatives={**layer.derivatives, derivative: wrong})


def layer_norm_without_mean_path(saved: normalisation.Saved, upstream: Tensor) -> Tensor:
    direct = upstream * saved.weight
    by_the_deviation = saved.normalised * (direct * saved.normalised).mean(saved.group, keepdim=True)
    return (direct - by_the_deviation) * saved.inverse_deviation


def layer_norm_without_deviation_path(saved: normalisation.Saved, upstream: Tensor) -> Tensor:
    direct = upstream * saved.weight
    return (direct - direct.mean(saved.group, keepdim=True)) * saved.inverse_deviation


def layer_norm_with_bessel(parameters: dict[str, Tensor], inputs: Tensor) -> tuple[Tensor, Any]:
    n = inputs.shape[-1]
    output, saved = normalisation.layer_norm(parameters, inputs)
    factor = math.sqrt((n - 1) / n)
    saved = saved._replace(
        normalised=saved.normalised * factor, inverse_deviation=saved.inverse_deviation * factor
    )
    return (output - parameters["bias"]) * factor + parameters["bias"], saved


def embedding_that_overwrites(saved: Any, upstream: Tensor) -> Tensor:
    weight = torch.zeros_like(saved.weight)
    weight[saved.indices.reshape(-1)] = upstream.reshape(-1, saved.weight.shape[1])
    return weight


def with_cubic(constant: float) -> Layer:
    """GELU's tanh form with another coefficient of the cube."""

    def inner(x: Tensor) -> Tensor:
        return math.sqrt(2 / math.pi) * (x + constant * x**3)

    def gelu(x: Tensor) -> Tensor:
        return 0.5 * x * (1 + torch.tanh(inner(x)))

    def d_gelu(x: Tensor) -> Tensor:
        d_inner = math.sqrt(2 / math.pi) * (1 + 3 * constant * x * x)
        return 0.5 * (1 + torch.tanh(inner(x))) + 0.5 * x * (1 - torch.tanh(inner(x)) ** 2) * d_inner

    return elementwise(gelu, d_gelu)


sigmoid = torch.sigmoid
LAYER_MISTAKES: dict[str, tuple[str, Layer]] = {
    "linear: input with a sign": (
        "linear",
        planted("linear", "input", lambda s, d: -linear.d_loss_d_input(s, d)),
    ),
    "linear: weight as a mean over rows": (
        "linear",
        planted("linear", "weight", lambda s, d: linear.d_loss_d_weight(s, d) / len(d)),
    ),
    "linear: weight transposed": (
        "linear",
        planted("linear", "weight", lambda s, d: linear.d_loss_d_weight(s, d).T.reshape(s.weight.shape)),
    ),
    "linear: bias of the first row only": ("linear", planted("linear", "bias", lambda s, d: d[0].clone())),
    "linear: bias not summed": ("linear", planted("linear", "bias", lambda s, d: d.clone())),
    "softplus: derivative of another factor": (
        "softplus",
        elementwise(activations.softplus, lambda x: 2.001 / 2 * sigmoid(x)),
    ),
    "sigmoid: 1 − σ missing": ("sigmoid", elementwise(sigmoid, sigmoid)),
    "tanh: 1 − tanh": ("tanh", elementwise(torch.tanh, lambda x: 1 - torch.tanh(x))),
    # Any slope from 0 to 1, or from 0.01 to 1, is right at the kink.
    "relu: 2 at the kink": (
        "relu",
        elementwise(activations.relu, lambda x: (x > 0).to(x.dtype) + 2 * (x == 0)),
    ),
    "leaky relu: 0 at the kink": (
        "leaky_relu",
        elementwise(activations.leaky_relu, lambda x: torch.where(x > 0, 1.0, 0.01 * (x < 0)).to(x.dtype)),
    ),
    "leaky relu: another slope": (
        "leaky_relu",
        elementwise(activations.leaky_relu, partial(activations.d_leaky_relu_d_x, slope=0.1)),
    ),
    "silu: second term missing": ("silu", elementwise(activations.silu, sigmoid)),
    "gelu: tanh form for the exact one": (
        "gelu",
        elementwise(activations.gelu_tanh, activations.d_gelu_tanh_d_x),
    ),
    "gelu: derivative of the tanh form": ("gelu", elementwise(activations.gelu, activations.d_gelu_tanh_d_x)),
    "gelu: density without x": (
        "gelu",
        elementwise(activations.gelu, lambda x: 0.5 * torch.erfc(-x / math.sqrt(2)) + torch.exp(-x * x / 2)),
    ),
    "gelu tanh: 0.0447 for 0.044715": ("gelu_tanh", with_cubic(0.0447)),
    "softmax: coupling missing": (
        "softmax",
        planted("softmax", "input", lambda s, d: d * s.shares * (1 - s.shares)),
    ),
    "softmax: over the wrong dimension": (
        "softmax",
        planted("softmax", "input", lambda s, d: s.shares * (d - (d * s.shares).sum(0, keepdim=True))),
    ),
    "layer norm: mean's way missing": (
        "layer_norm",
        planted("layer_norm", "input", layer_norm_without_mean_path),
    ),
    "layer norm: deviation's way missing": (
        "layer_norm",
        planted("layer_norm", "input", layer_norm_without_deviation_path),
    ),
    "layer norm: Bessel's correction": (
        "layer_norm",
        LAYERS["layer_norm"]._replace(forward=layer_norm_with_bessel),
    ),
    "layer norm: another epsilon": (
        "layer_norm",
        LAYERS["layer_norm"]._replace(forward=partial(normalisation.layer_norm, epsilon=1e-4)),
    ),
    "batch norm: weight forgotten": (
        "batch_norm",
        planted(
            "batch_norm",
            "input",
            lambda s, d: normalisation.d_loss_d_input(s._replace(weight=torch.ones_like(s.weight)), d),
        ),
    ),
    "batch norm: weight by the output": (
        "batch_norm",
        planted("batch_norm", "weight", lambda s, d: (d * (s.normalised + 1)).sum(s.shared)),
    ),
    "dropout: scale missing": ("dropout", planted("dropout", "input", lambda s, d: d * (s.factor != 0))),
    "embedding: an index twice counts once": (
        "embedding",
        planted("embedding", "weight", embedding_that_overwrites),
    ),
}


@pytest.mark.parametrize(("name", "wrong"), LAYER_MISTAKES.values(), ids=LAYER_MISTAKES)
def test_a_planted_mistake_in_a_layer_is_refused(name: str, wrong: Layer) -> None:
    """On the values where it shows: kinks for a kink, ordinary ones for all others."""
    kind = "kinks" if "kink" in name or "relu" in name else "normal"
    case = make_case(name, (7, 5), kind, DTYPE, seed=11)
    assert layer_disagreements(LAYERS[name], case) == []
    assert layer_disagreements(wrong, case) != []
