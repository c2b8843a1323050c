"""Attention with one head: softmax(Q Kᵀ / √d) V."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from catalogue.lesson import ssr
from catalogue.subject import Mistake, Subject, Values
from catalogue.tensor_edits import one_element

WIDTH = 3
"""Not 4, whose root is 2: that a root is forgotten would pass for a factor 2."""


class Attention(nn.Module):
    """Every intermediate is a submodule's output, so that it has a name."""

    def __init__(self) -> None:
        """Three projections without bias."""
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(3))
        self.scores, self.mixed = nn.Identity(), nn.Identity()
        self.weights = nn.Softmax(dim=1)

    def forward(self, inputs: Tensor) -> Tensor:
        """One row per position."""
        query, key, value = self.query(inputs), self.key(inputs), self.value(inputs)
        weights = self.weights(self.scores(query @ key.T / math.sqrt(WIDTH)))
        return self.mixed(weights @ value)


def make():
    """Random weights, five positions."""
    torch.manual_seed(4)
    return Attention().double(), ssr, torch.randn(5, WIDTH).double(), torch.randn(5, WIDTH).double()


def forward(p: Mapping[str, Tensor], inputs: Tensor, targets: Tensor) -> Values:
    """By hand."""
    q, k, v = (inputs @ p[f"{name}.weight"].T for name in ("query", "key", "value"))
    s = q @ k.T / math.sqrt(WIDTH)
    a = torch.exp(s - s.logsumexp(1, keepdim=True))
    return {"q": q, "k": k, "v": v, "s": s, "a": a, "x": inputs, "residual": targets - a @ v}


def through_softmax(v: Values) -> Tensor:
    """∂Loss/∂S = A ∘ (D − rowsum(D ∘ A)): every score moves all the weights of its row."""
    return v["a"] * (v["weights"] - (v["weights"] * v["a"]).sum(1, keepdim=True))


SUBJECT = Subject(
    "attention",
    make,
    forward,
    {
        "mixed": lambda v: -2 * v["residual"],
        "value": lambda v: v["a"].T @ v["mixed"],
        "value.weight": lambda v: v["value"].T @ v["x"],
        "weights": lambda v: v["mixed"] @ v["v"].T,
        "scores": through_softmax,
        "query": lambda v: v["scores"] @ v["k"] / math.sqrt(WIDTH),
        "query.weight": lambda v: v["query"].T @ v["x"],
        "key": lambda v: v["scores"].T @ v["q"] / math.sqrt(WIDTH),
        "key.weight": lambda v: v["key"].T @ v["x"],
    },
)
right = SUBJECT.links

MISTAKES = (
    Mistake("sign", "mixed", "wrong sign", lambda v: 2 * v["residual"]),
    Mistake("weights not transposed", "value", "factor transposed", lambda v: v["a"] @ v["mixed"]),
    Mistake("softmax forgotten", "scores", "derivative missing", lambda v: v["weights"].clone()),
    Mistake(
        "softmax taken element by element",
        "scores",
        "derivative of another function",
        lambda v: v["weights"] * v["a"] * (1 - v["a"]),
    ),
    Mistake("the row sum forgotten", "scores", "path dropped", lambda v: v["weights"] * v["a"]),
    Mistake(
        "scores not transposed", "key", "factor transposed", lambda v: v["scores"] @ v["q"] / math.sqrt(WIDTH)
    ),
    Mistake("the root of the width forgotten", "query", "constant factor", lambda v: v["scores"] @ v["k"]),
    Mistake("divided by the width", "key", "constant factor", lambda v: v["scores"].T @ v["q"] / WIDTH),
    Mistake("key for query", "query", "unknown", lambda v: v["scores"] @ v["q"] / math.sqrt(WIDTH)),
    Mistake(
        "query and key swapped",
        "query.weight",
        "swapped",
        lambda v: (v["scores"].T @ v["q"] / math.sqrt(WIDTH)).T @ v["x"],
    ),
    Mistake("transposed gradient", "value.weight", "transposed", lambda v: v["x"].T @ v["value"]),
    Mistake("detached", "key.weight", "detached", lambda v: 0 * right["key.weight"](v)),
    Mistake(
        "one element off by 1e-6",
        "query.weight",
        "constant factor per element",
        lambda v: one_element(1 + 1e-6, 6)(right["query.weight"](v)),
    ),
)
