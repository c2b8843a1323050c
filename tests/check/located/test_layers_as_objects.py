"""Derivations whose layers are objects, and those with a forward pass of their own."""

from pathlib import Path

import pytest
import torch

from torch_reference.chain.derivations import links_of_derivation
from user_files import imported

OBJECTS = """import torch


class Linear:
    def __init__(self, w):
        self.w = w

    def forward(self, x):
        self.x = x
        return x @ self.w

    def backward(self, grad):
        self.dw = self.x.T @ grad
        return grad @ self.w.T


class Tanh:
    def forward(self, x):
        self.out = torch.tanh(x)
        return self.out

    def backward(self, grad):
        return grad * (1 - self.out**2)


def derivation(parameters, x, t):
    layers = [Linear(parameters["w1"]), Tanh(), Linear(parameters["w2"])]
    for layer in layers:
        x = layer.forward(x)
    loss = ((x - t) ** 2).sum()
    grad = 2 * (x - t)
    for layer in reversed(layers):
        grad = layer.backward(grad)
    return {"w1": layers[0].dw, "w2": layers[2].dw}
"""


class TwoLayers(torch.nn.Module):
    """Of the lesson of OBJECTS the reference."""

    def __init__(self) -> None:
        """Two weights."""
        super().__init__()
        self.w1, self.w2 = (torch.nn.Parameter(torch.randn(4, 4).double()) for _ in range(2))

    def forward(self, x):
        """tanh(x w1) w2."""
        return torch.tanh(x @ self.w1) @ self.w2


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("return grad * (1 - self.out**2)", "return grad * (1 - self.out)"),
        ("grad = 2 * (x - t)", "grad = (x - t)"),
        ("return grad @ self.w.T", "return grad @ self.w"),
    ],
)
def test_layers_that_are_objects_are_paired_call_by_call(tmp_path: Path, right: str, wrong: str) -> None:
    """Their gradients are all called grad, and no variable is named after what they belong to."""
    torch.manual_seed(0)
    module = imported(tmp_path, "objects", OBJECTS.replace(right, wrong))
    model, x, t = TwoLayers(), torch.randn(5, 4).double(), torch.randn(5, 4).double()
    links = links_of_derivation(
        model, lambda y, t: ((y - t) ** 2).sum(), (x,), t, lambda given: module.derivation(given, x, t)
    )
    [link] = links.wrong
    assert link.quantity.place.source == wrong


class Named(TwoLayers):
    """The same, with a name for what is inside."""

    def forward(self, x):
        """tanh(x w1) w2."""
        h = torch.tanh(x @ self.w1)
        return h @ self.w2


@pytest.mark.medium
def test_the_one_wrong_link_is_told_and_not_the_two_that_have_it_in_common() -> None:
    """By the names of the model both d_h and d_w2 are wrong, by those of the derivation d_out alone."""
    torch.manual_seed(0)
    model, x, t = Named(), torch.randn(5, 4).double(), torch.randn(5, 4).double()

    def derivation(given):
        out = torch.tanh(x @ given["w1"]) @ given["w2"]
        d_out = out - t
        d_w2 = torch.tanh(x @ given["w1"]).T @ d_out
        d_h = d_out @ given["w2"].T
        d_w1 = x.T @ (d_h * (1 - torch.tanh(x @ given["w1"]) ** 2))
        return {"w1": d_w1, "w2": d_w2}

    links = links_of_derivation(model, lambda y, t: ((y - t) ** 2).sum(), (x,), t, derivation)
    assert [link.quantity.manual_name for link in links.wrong] == ["d_out"]
