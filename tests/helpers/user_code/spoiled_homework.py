"""The student's derivation of homework.py spoiled in one way for each diagnosis."""

import torch

import homework


def activation_of(p, x):
    """The student's hidden layer, after tanh."""
    return torch.tanh(x @ p["hidden.weight"].T + p["hidden.bias"])


one_sign_flipped = eval(
    "lambda g: torch.where(torch.arange(g.numel()).reshape(g.shape) == 7, -g, g)", {"torch": torch}
)
"""All elements as they are, but for number 7; from no file, where the line would be mended and named so."""


DIAGNOSES = {
    "wrong sign": ("output", lambda g, p, x: {"output": -g["output"]}),
    "factor 1/2": ("output.weight", lambda g, p, x: {"output.weight": g["output.weight"] / 2}),
    "factor 2": ("output.bias", lambda g, p, x: {"output.bias": 2 * g["output.bias"]}),
    "mean for sum": ("hidden.weight", lambda g, p, x: {"hidden.weight": g["hidden.weight"] / len(x)}),
    "sum for mean": ("hidden.bias", lambda g, p, x: {"hidden.bias": g["hidden.bias"] * len(x)}),
    "missing sum over the batch": ("output.bias", lambda g, p, x: {"output.bias": g["output"].clone()}),
    "transposed": ("hidden.weight", lambda g, p, x: {"hidden.weight": g["hidden.weight"].T.clone()}),
    "detached": ("hidden.bias", lambda g, p, x: {"hidden.bias": 0 * g["hidden.bias"]}),
    "derivative missing": ("hidden", lambda g, p, x: homework.below_the_activation(g["activation"], x)),
    "derivative at the output": (
        "hidden",
        lambda g, p, x: homework.below_the_activation(
            g["activation"] * (1 - torch.tanh(activation_of(p, x)) ** 2), x
        ),
    ),
    "factor missing": (
        "hidden.weight",
        lambda g, p, x: {"hidden.weight": g["hidden"].T @ torch.ones_like(x)},
    ),
    "last observation only": ("hidden.bias", lambda g, p, x: {"hidden.bias": g["hidden"][-1].clone()}),
    "first observation only": ("hidden.bias", lambda g, p, x: {"hidden.bias": g["hidden"][0].clone()}),
    "last observation left out": ("hidden.bias", lambda g, p, x: {"hidden.bias": g["hidden"][:-1].sum(0)}),
    "taken as zero": (
        "output.bias",
        lambda g, p, x: {"output.bias": (g["output"] - 2 * p["output.bias"]).sum(0)},
    ),
    "mask": (
        "hidden.weight",
        lambda g, p, x: {"hidden.weight": g["hidden.weight"] * torch.tensor([[1.0], [0], [1], [1]]).double()},
    ),
    "constant factor": ("hidden.weight", lambda g, p, x: {"hidden.weight": g["hidden.weight"] * 0.7}),
    "constant factor per element": (
        "hidden.weight",
        lambda g, p, x: {"hidden.weight": one_sign_flipped(g["hidden.weight"])},
    ),
    "mean for sum inside": ("output", lambda g, p, x: {"output": g["output"] / g["output"].numel()}),
    "two indices swapped": (
        "hidden.weight",
        lambda g, p, x: {"hidden.weight": g["hidden.weight"][[0, 3, 2, 1]]},
    ),
    "unknown": ("hidden.weight", lambda g, p, x: {"hidden.weight": g["hidden.weight"].sin() + x.sum()}),
}
