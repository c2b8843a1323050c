"""Layer norm in primitives, between a linear layer and the SSR: the mean and the variance are paths too."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from catalogue.lesson import ssr
from catalogue.subject import Mistake, Subject, Values

EPSILON = 1e-5


class Normalised(nn.Module):
    """The rows of the input, centred and scaled to variance 1."""

    def forward(self, x: Tensor) -> Tensor:
        """(x − mean) / √(variance + ε), row by row."""
        centred = x - x.mean(1, keepdim=True)
        variance = (centred * centred).mean(1, keepdim=True)
        return centred * torch.rsqrt(variance + EPSILON)


class Network(nn.Module):
    """Linear layer, normalisation, gain and bias."""

    def __init__(self) -> None:
        """Five features."""
        super().__init__()
        self.features = nn.Linear(3, 5)
        self.normalised = Normalised()
        self.gain = nn.Parameter(torch.linspace(0.5, 1.5, 5))
        self.bias = nn.Parameter(torch.linspace(-1.0, 1.0, 5))

    def forward(self, inputs: Tensor) -> Tensor:
        """One row per observation."""
        return self.gain * self.normalised(self.features(inputs)) + self.bias


def make():
    """Random weights, four observations."""
    torch.manual_seed(3)
    return Network().double(), ssr, torch.randn(4, 3).double(), torch.randn(4, 5).double()


def forward(p: Mapping[str, Tensor], inputs: Tensor, targets: Tensor) -> Values:
    """By hand."""
    x = inputs @ p["features.weight"].T + p["features.bias"]
    centred = x - x.mean(1, keepdim=True)
    scale = torch.rsqrt((centred**2).mean(1, keepdim=True) + EPSILON)
    n = centred * scale
    d_loss_d_output = -2 * (targets - p["gain"] * n - p["bias"])
    return {"n": n, "scale": scale, "x": inputs, "gain_value": p["gain"], "g": d_loss_d_output}


def through_both(v: Values) -> Tensor:
    """∂Loss/∂x = scale · (d − mean(d) − n · mean(d · n)), the paths through mean and variance included."""
    d = v["normalised"]
    return v["scale"] * (d - d.mean(1, keepdim=True) - v["n"] * (d * v["n"]).mean(1, keepdim=True))


SUBJECT = Subject(
    "layer norm",
    make,
    forward,
    {
        "gain": lambda v: (v["g"] * v["n"]).sum(0),
        "bias": lambda v: v["g"].sum(0),
        "normalised": lambda v: v["g"] * v["gain_value"],
        "features": through_both,
        "features.weight": lambda v: v["features"].T @ v["x"],
        "features.bias": lambda v: v["features"].sum(0),
    },
)
right = SUBJECT.links


def without_mean(v: Values) -> Tensor:
    """The path through the mean is forgotten."""
    d = v["normalised"]
    return v["scale"] * (d - v["n"] * (d * v["n"]).mean(1, keepdim=True))


def without_variance(v: Values) -> Tensor:
    """The path through the variance is forgotten."""
    d = v["normalised"]
    return v["scale"] * (d - d.mean(1, keepdim=True))


MISTAKES = (
    Mistake("sign", "gain", "wrong sign", lambda v: -right["gain"](v)),
    Mistake("normalised forgotten", "gain", "factor missing", lambda v: v["g"].sum(0)),
    Mistake("mean for sum", "bias", "mean for sum", lambda v: v["g"].mean(0)),
    Mistake("gain forgotten", "normalised", "factor missing", lambda v: v["g"].clone()),
    Mistake("the mean's path", "features", "path dropped", without_mean),
    Mistake("the variance's path", "features", "path dropped", without_variance),
    Mistake("both paths", "features", "path dropped", lambda v: v["scale"] * v["normalised"]),
    Mistake("scale forgotten", "features", "factor missing", lambda v: through_both(v) / v["scale"]),
    Mistake(
        "sum for mean inside",
        "features",
        "sum for mean inside",
        lambda v: through_both(v) - 4 * v["scale"] * v["normalised"].mean(1, keepdim=True),
    ),
    Mistake(
        "input forgotten",
        "features.weight",
        "factor missing",
        lambda v: v["features"].T @ torch.ones_like(v["x"]),
    ),
    Mistake("gain and bias swapped", "bias", "swapped", lambda v: right["gain"](v)),
    Mistake("off by 1e-6", "gain", "constant factor", lambda v: right["gain"](v) * (1 - 1e-6)),
)
