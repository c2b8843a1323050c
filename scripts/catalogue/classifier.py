"""A linear classifier with softmax cross-entropy, averaged over the batch."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from catalogue.subject import Mistake, Subject, Values
from catalogue.tensor_edits import one_element, one_row


class Classifier(nn.Module):
    """Four inputs, three classes."""

    def __init__(self) -> None:
        """One layer."""
        super().__init__()
        self.logits = nn.Linear(4, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits, one row per observation."""
        return self.logits(inputs)


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean of −log softmax at the target's class; targets are probabilities, one row per observation."""
    return -(targets * torch.log_softmax(logits, dim=1)).sum() / len(logits)


def make():
    """Random weights, seven observations."""
    torch.manual_seed(2)
    targets = torch.nn.functional.one_hot(torch.tensor([0, 2, 1, 1, 0, 2, 1]), 3).double()
    return Classifier().double(), cross_entropy, torch.randn(7, 4).double(), targets


def forward(p: Mapping[str, Tensor], inputs: Tensor, targets: Tensor) -> Values:
    """By hand."""
    z = inputs @ p["logits.weight"].T + p["logits.bias"]
    softmax = torch.exp(z - z.logsumexp(1, keepdim=True))
    return {"z": z, "p": softmax, "x": inputs, "t": targets, "n": torch.tensor(float(len(z))).to(z)}


SUBJECT = Subject(
    "classifier",
    make,
    forward,
    {
        "logits": lambda v: (v["p"] - v["t"]) / v["n"],
        "logits.weight": lambda v: v["logits"].T @ v["x"],
        "logits.bias": lambda v: v["logits"].sum(0),
    },
)
right = SUBJECT.links

MISTAKES = (
    Mistake("sign", "logits", "wrong sign", lambda v: (v["t"] - v["p"]) / v["n"]),
    Mistake("sum for mean", "logits", "sum for mean", lambda v: v["p"] - v["t"]),
    Mistake("target forgotten", "logits", "path dropped", lambda v: v["p"] / v["n"]),
    Mistake("softmax forgotten", "logits", "derivative missing", lambda v: -v["t"] / v["n"]),
    Mistake(
        "softmax's derivative once more",
        "logits",
        "unknown",
        lambda v: (v["p"] - v["t"]) / v["n"] * v["p"] * (1 - v["p"]),
    ),
    Mistake("exp not normalised", "logits", "unknown", lambda v: (torch.exp(v["z"]) - v["t"]) / v["n"]),
    Mistake("divided twice", "logits.weight", "mean for sum", lambda v: right["logits.weight"](v) / v["n"]),
    Mistake(
        "input forgotten",
        "logits.weight",
        "factor missing",
        lambda v: v["logits"].T @ torch.ones_like(v["x"]),
    ),
    Mistake(
        "no sum over the batch", "logits.bias", "missing sum over the batch", lambda v: v["logits"].clone()
    ),
    Mistake(
        "a class forgotten",
        "logits.bias",
        "last rows missing",
        lambda v: one_element(0)(right["logits.bias"](v)),
    ),
    Mistake(
        "one row off by 1e-6",
        "logits.weight",
        "constant factor per element",
        lambda v: one_row(1 + 1e-6)(right["logits.weight"](v)),
    ),
    Mistake(
        "last observation only", "logits.bias", "last observation only", lambda v: v["logits"][-1].clone()
    ),
)
