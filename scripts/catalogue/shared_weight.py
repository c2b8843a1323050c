"""A weight that two layers share: its gradient is the sum over both uses."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from catalogue.lesson import ssr
from catalogue.subject import Mistake, Subject, Values
from catalogue.tensor_edits import one_row


class Tied(nn.Module):
    """Encode and decode with one matrix."""

    def __init__(self) -> None:
        """A square matrix, so that both uses have one shape."""
        super().__init__()
        self.encode = nn.Linear(3, 3, bias=False)
        self.activation = nn.ReLU()
        self.decode = nn.Linear(3, 3, bias=False)
        self.decode.weight = self.encode.weight

    def forward(self, inputs: Tensor) -> Tensor:
        """One row per observation."""
        return self.decode(self.activation(self.encode(inputs)))


def make():
    """Random weights, six observations."""
    torch.manual_seed(5)
    return Tied().double(), ssr, torch.randn(6, 3).double(), torch.randn(6, 3).double()


def forward(p: Mapping[str, Tensor], inputs: Tensor, targets: Tensor) -> Values:
    """By hand."""
    w = p["encode.weight"]
    h = inputs @ w.T
    a = torch.relu(h)
    return {"h": h, "a": a, "o": a @ w.T, "x": inputs, "t": targets, "w": w}


SUBJECT = Subject(
    "shared weight",
    make,
    forward,
    {
        "decode": lambda v: -2 * (v["t"] - v["o"]),
        "activation": lambda v: v["decode"] @ v["w"],
        "encode": lambda v: v["activation"] * (v["h"] > 0).to(v["h"]),
        "encode.weight": lambda v: v["encode"].T @ v["x"] + v["decode"].T @ v["a"],
    },
)
right = SUBJECT.links

MISTAKES = (
    Mistake(
        "overwritten by the first use", "encode.weight", "one use only", lambda v: v["encode"].T @ v["x"]
    ),
    Mistake(
        "overwritten by the second use", "encode.weight", "one use only", lambda v: v["decode"].T @ v["a"]
    ),
    Mistake("ReLU forgotten", "encode", "derivative missing", lambda v: v["activation"].clone()),
    Mistake(
        "ReLU of the wrong side", "encode", "unknown", lambda v: v["activation"] * (v["h"] < 0).to(v["h"])
    ),
    Mistake("product transposed", "activation", "factor transposed", lambda v: v["decode"] @ v["w"].T),
    Mistake("factor 2 forgotten", "decode", "factor 1/2", lambda v: v["o"] - v["t"]),
    Mistake(
        "one use counted twice",
        "encode.weight",
        "path counted twice",
        lambda v: right["encode.weight"](v) + v["decode"].T @ v["a"],
    ),
    Mistake(
        "transposed gradient", "encode.weight", "transposed", lambda v: right["encode.weight"](v).T.clone()
    ),
    Mistake(
        "one row doubled",
        "encode.weight",
        "constant factor per element",
        lambda v: one_row(2)(right["encode.weight"](v)),
    ),
    Mistake(
        "mean for sum", "encode.weight", "mean for sum", lambda v: right["encode.weight"](v) / len(v["x"])
    ),
)
