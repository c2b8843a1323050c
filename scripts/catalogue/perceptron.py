"""A two-layer perceptron of square matrices, where a transposed product has the right shape."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from catalogue.lesson import ssr
from catalogue.subject import Mistake, Subject, Values
from catalogue.tensor_edits import one_element, one_row, zero_rows


class Perceptron(nn.Module):
    """Four inputs, four tanh nodes, four outputs."""

    def __init__(self) -> None:
        """Square layers."""
        super().__init__()
        self.hidden = nn.Linear(4, 4)
        self.activation = nn.Tanh()
        self.output = nn.Linear(4, 4)

    def forward(self, inputs: Tensor) -> Tensor:
        """One row per observation."""
        return self.output(self.activation(self.hidden(inputs)))


def make():
    """Random weights, six observations."""
    torch.manual_seed(1)
    return Perceptron().double(), ssr, torch.randn(6, 4).double(), torch.randn(6, 4).double()


def forward(p: Mapping[str, Tensor], inputs: Tensor, targets: Tensor) -> Values:
    """By hand."""
    hidden = inputs @ p["hidden.weight"].T + p["hidden.bias"]
    activation = torch.tanh(hidden)
    output = activation @ p["output.weight"].T + p["output.bias"]
    return {"h": hidden, "a": activation, "o": output, "x": inputs, "t": targets, "w": p["output.weight"]}


SUBJECT = Subject(
    "perceptron",
    make,
    forward,
    {
        "output": lambda v: -2 * (v["t"] - v["o"]),
        "output.weight": lambda v: v["output"].T @ v["a"],
        "output.bias": lambda v: v["output"].sum(0),
        "activation": lambda v: v["output"] @ v["w"],
        "hidden": lambda v: v["activation"] * (1 - v["a"] ** 2),
        "hidden.weight": lambda v: v["hidden"].T @ v["x"],
        "hidden.bias": lambda v: v["hidden"].sum(0),
    },
)
right = SUBJECT.links

MISTAKES = (
    Mistake("factor 2 twice", "output", "factor 2", lambda v: 2 * right["output"](v)),
    Mistake("transposed product", "activation", "factor transposed", lambda v: v["output"] @ v["w"].T),
    Mistake("transposed gradient", "output.weight", "transposed", lambda v: v["a"].T @ v["output"]),
    Mistake("transposed gradient", "hidden.weight", "transposed", lambda v: v["x"].T @ v["hidden"]),
    Mistake("tanh forgotten", "hidden", "derivative missing", lambda v: v["activation"].clone()),
    Mistake(
        "tanh applied twice",
        "hidden",
        "derivative at the output",
        lambda v: v["activation"] * (1 - torch.tanh(v["a"]) ** 2),
    ),
    Mistake(
        "square forgotten",
        "hidden",
        "derivative of another function",
        lambda v: v["activation"] * (1 - v["a"]),
    ),
    Mistake(
        "no sum over the batch", "hidden.bias", "missing sum over the batch", lambda v: v["hidden"].clone()
    ),
    Mistake(
        "no sum over the batch", "output.bias", "missing sum over the batch", lambda v: v["output"].clone()
    ),
    Mistake("detached", "hidden.bias", "detached", lambda v: 0 * right["hidden.bias"](v)),
    Mistake(
        "biases swapped",
        "output.bias",
        "swapped",
        lambda v: ((v["output"] @ v["w"]) * (1 - v["a"] ** 2)).sum(0),
    ),
    Mistake(
        "one sign flipped",
        "hidden.weight",
        "constant factor per element",
        lambda v: one_element(-1, 5)(right["hidden.weight"](v)),
    ),
    Mistake(
        "one element off by 1e-6",
        "output.weight",
        "constant factor per element",
        lambda v: one_element(1 + 1e-6, 3)(right["output.weight"](v)),
    ),
    Mistake(
        "one row doubled",
        "hidden.weight",
        "constant factor per element",
        lambda v: one_row(2)(right["hidden.weight"](v)),
    ),
    Mistake(
        "every second row is zero", "output.weight", "mask", lambda v: zero_rows(right["output.weight"](v))
    ),
    Mistake("one row is zero", "hidden.weight", "mask", lambda v: one_row(0)(right["hidden.weight"](v))),
    Mistake(
        "first observation only", "output.bias", "first observation only", lambda v: v["output"][0].clone()
    ),
    Mistake(
        "last observation left out",
        "hidden.bias",
        "last observation left out",
        lambda v: v["hidden"][:-1].sum(0),
    ),
    Mistake("times 0.9", "hidden.weight", "constant factor", lambda v: 0.9 * right["hidden.weight"](v)),
)
