"""The lesson's network: one input, two SoftPlus nodes, one output, SSR."""

from collections.abc import Mapping

import torch
from torch import Tensor

import torch_reference
from catalogue.subject import Mistake, Subject, Values
from catalogue.tensor_edits import one_element

B3 = 0.2


def make():
    """The module with the lesson's parameters but another b3, and five observations."""
    # A network of more parameters (docs/add_a_parameter.md) has them here too, and the derivation as well.
    values = dict.fromkeys(torch_reference.PARAMETERS, 0.4)
    values |= {"w1": 3.34, "b1": -1.43, "w2": -3.53, "b2": 0.57, "w3": 0.36, "w4": 0.63, "b3": B3}
    network = torch_reference.from_parameters(
        {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}
    )
    inputs = torch.tensor([[0.0], [0.5], [1.0], [0.25], [0.8]], dtype=torch.float64)
    observed = torch.tensor([[0.0], [1.0], [0.0], [0.6], [0.3]], dtype=torch.float64)
    return network, ssr, inputs, observed


def ssr(predicted: Tensor, observed: Tensor) -> Tensor:
    """Sum of squared residuals."""
    return ((observed - predicted) ** 2).sum()


def forward(p: Mapping[str, Tensor], inputs: Tensor, observed: Tensor) -> Values:
    """x, y and Predicted, by hand."""
    x = inputs * p["hidden.weight"].T + p["hidden.bias"]
    y = torch.logaddexp(x, x.new_zeros(()))
    # What the output layer reads: y1 and y2, and the input where its weight has a column for that as well.
    into_output = torch.cat([y, inputs], dim=1)[:, : p["output.weight"].shape[1]]
    predicted = into_output @ p["output.weight"].T + p["output.bias"]
    w = p["output.weight"][:, : y.shape[1]]
    return {"x": x, "y": y, "into_output": into_output, "predicted": predicted, "w": w} | {
        "inputs": inputs,
        "observed": observed,
    }


SUBJECT = Subject(
    "lesson",
    make,
    forward,
    {
        "output": lambda v: -2 * (v["observed"] - v["predicted"]),
        "output.weight": lambda v: v["output"].T @ v["into_output"],
        "output.bias": lambda v: v["output"].sum(0),
        "activation": lambda v: v["output"] @ v["w"],
        "hidden": lambda v: v["activation"] * torch.sigmoid(v["x"]),
        "hidden.weight": lambda v: v["hidden"].T @ v["inputs"],
        "hidden.bias": lambda v: v["hidden"].sum(0),
    },
)
right = SUBJECT.links

MISTAKES = (
    Mistake("sign", "output", "wrong sign", lambda v: -right["output"](v)),
    Mistake("factor 2 forgotten", "output", "factor 1/2", lambda v: right["output"](v) / 2),
    Mistake(
        "stale residual, b3 = 0",
        "output.bias",
        "taken as zero",
        lambda v: (v["output"] - 2 * v["parameter output.bias"]).sum(0),
    ),
    Mistake(
        "b3 of the first step",
        "output",
        "stale value",
        lambda v: right["output"](v) + 2 * (B3 - v["parameter output.bias"]),
    ),
    Mistake(
        "mean for sum", "output.weight", "mean for sum", lambda v: right["output.weight"](v) / len(v["x"])
    ),
    Mistake("mean for sum", "output.bias", "mean for sum", lambda v: v["output"].mean(0)),
    Mistake("w3 and w4 swapped", "activation", "two indices swapped", lambda v: v["output"] @ v["w"].flip(1)),
    Mistake(
        "weights forgotten", "activation", "factor missing", lambda v: v["output"] @ torch.ones_like(v["w"])
    ),
    Mistake("sigmoid forgotten", "hidden", "derivative missing", lambda v: v["activation"].clone()),
    Mistake(
        "sigmoid of the output",
        "hidden",
        "derivative at the output",
        lambda v: v["activation"] * torch.sigmoid(v["y"]),
    ),
    Mistake(
        "derivative of the sigmoid",
        "hidden",
        "derivative of another function",
        lambda v: v["activation"] * torch.sigmoid(v["x"]) * torch.sigmoid(-v["x"]),
    ),
    Mistake(
        "input forgotten",
        "hidden.weight",
        "factor missing",
        lambda v: v["hidden"].T @ torch.ones_like(v["inputs"]),
    ),
    Mistake(
        "last observation only", "hidden.bias", "last observation only", lambda v: v["hidden"][-1].clone()
    ),
    Mistake(
        "one part in a million",
        "output.weight",
        "constant factor",
        lambda v: right["output.weight"](v) * (1 + 1e-6),
    ),
    Mistake(
        "one sign flipped",
        "hidden.bias",
        "constant factor per element",
        lambda v: one_element(-1)(right["hidden.bias"](v)),
    ),
)
