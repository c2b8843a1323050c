"""Courses and books with conventions of their own: the line that is wrong is named, and no other."""

from pathlib import Path

import pytest
import torch
from torch.nn.functional import cross_entropy

from torch_reference.chain.derivations import links_of_derivation
from torch_reference.chain.verdict import Status
from user_files import imported

N_TIMES = """
import numpy as np


def linear_backward(dZ, cache):
    A_prev, W = cache
    m = A_prev.shape[1]
    dW = 1 / m * np.dot(dZ, A_prev.T)
    dA_prev = np.dot(W.T, dZ)
    return dA_prev, dW


def linear_forward(A_prev, W):
    Z = np.dot(W, A_prev)
    return Z, (A_prev, W)


def derivation(parameters, X, Y):
    W1, W2, X = parameters["w1"].numpy(), parameters["w2"].numpy(), X.numpy().T
    Y = np.eye(3)[Y.numpy()].T
    Z1, cache1 = linear_forward(X, W1)
    A1 = np.maximum(Z1, 0)
    Z2, cache2 = linear_forward(A1, W2)
    A2 = np.exp(Z2) / np.exp(Z2).sum(axis=0)
    loss = -np.mean(np.log((A2 * Y).sum(axis=0)))
    grads = {}
    dZ2 = A2 - Y
    dA1, grads["dW" + str(2)] = linear_backward(dZ2, cache2)
    dZ1 = dA1 * (Z1 > 0)
    dX, grads["dW" + str(1)] = linear_backward(dZ1, cache1)
    return {"w1": grads["dW1"], "w2": grads["dW2"]}
"""

KEPT = """
import numpy as np


class Dense:
    def __init__(self, weights):
        self.weights = weights

    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.dot(inputs, self.weights.T)

    def backward(self, dvalues):
        self.dweights = np.dot(dvalues.T, self.inputs)
        self.dinputs = np.dot(dvalues, self.weights)


class ReLU:
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.maximum(0, inputs)

    def backward(self, dvalues):
        self.dinputs = dvalues.copy()
        self.dinputs[self.inputs <= 0] = 0


class Loss:
    def forward(self, inputs, labels):
        e = np.exp(inputs)
        self.probabilities = e / e.sum(axis=1, keepdims=True)
        self.output = -np.mean(np.log(self.probabilities[range(len(labels)), labels]))

    def backward(self, labels):
        self.dinputs = self.probabilities.copy()
        self.dinputs[range(len(labels)), labels] -= 1
        self.dinputs = self.dinputs / len(labels)


def derivation(parameters, X, Y):
    dense1, dense2 = Dense(parameters["w1"].numpy()), Dense(parameters["w2"].numpy())
    relu, loss, labels = ReLU(), Loss(), Y.numpy()
    dense1.forward(X.numpy())
    relu.forward(dense1.output)
    dense2.forward(relu.output)
    loss.forward(dense2.output, labels)
    loss.backward(labels)
    dense2.backward(loss.dinputs)
    relu.backward(dense2.dinputs)
    dense1.backward(relu.dinputs)
    return {"w1": dense1.dweights, "w2": dense2.dweights}
"""

ATTRIBUTES = """
import torch


def lin(x, w):
    return x @ w.t()


def relu(x):
    return x.clamp_min(0)


def relu_grad(inp, out):
    inp.g = (inp > 0) * out.g


def lin_grad(inp, out, w):
    inp.g = out.g @ w
    w.g = (inp.unsqueeze(1) * out.g.unsqueeze(2)).sum(0)


def derivation(parameters, inp, targ):
    w1, w2 = parameters["w1"], parameters["w2"]
    l1 = lin(inp, w1)
    l2 = relu(l1)
    out = lin(l2, w2)
    loss = torch.nn.functional.cross_entropy(out, targ)
    out.g = (out.softmax(1) - torch.nn.functional.one_hot(targ, 3)) / len(targ)
    lin_grad(l2, out, w2)
    relu_grad(l1, l2)
    lin_grad(inp, l1, w1)
    return {"w1": w1.g, "w2": w2.g}
"""
DICTS = (
    KEPT.replace("self.weights = weights", "self.weights, self.grads = weights, {}")
    .replace("self.dweights", 'self.grads["weights"]')
    .replace("dense1.dweights", 'dense1.grads["weights"]')
    .replace("dense2.dweights", 'dense2.grads["weights"]')
)
MISTAKES = [
    (DICTS, "np.dot(dvalues.T, self.inputs)", "2 * np.dot(dvalues.T, self.inputs)"),
    (N_TIMES, "1 / m * np.dot(dZ, A_prev.T)", "2 / m * np.dot(dZ, A_prev.T)"),
    (N_TIMES, "dA1 * (Z1 > 0)", "dA1 * (Z1 < 0)"),
    (N_TIMES, "dA_prev = np.dot(W.T, dZ)", "dA_prev = -np.dot(W.T, dZ)"),
    (KEPT, "self.dinputs / len(labels)", "self.dinputs / 3"),
    (KEPT, "np.dot(dvalues, self.weights)", "2 * np.dot(dvalues, self.weights)"),
    (ATTRIBUTES, "inp.g = (inp > 0) * out.g", "inp.g = (inp < 0) * out.g"),
    (ATTRIBUTES, "unsqueeze(2)).sum(0)", "unsqueeze(2)).mean(0)"),
]


class TwoLayers(torch.nn.Module):
    """Of all three the reference."""

    def __init__(self) -> None:
        """Two weights."""
        super().__init__()
        torch.manual_seed(0)
        self.w1, self.w2 = (torch.nn.Parameter(torch.randn(*size).double()) for size in ((4, 5), (3, 4)))

    def forward(self, x):
        """The logits."""
        return (x @ self.w1.T).relu() @ self.w2.T


@pytest.mark.sample(1)
@pytest.mark.parametrize(("source", "right", "wrong"), MISTAKES)
def test_the_wrong_line_is_named(tmp_path: Path, source: str, right: str, wrong: str) -> None:
    """Gradients of n times the loss, attributes of layers that return nothing, attributes of tensors."""
    assert source.count(right) == 1
    module = imported(tmp_path, "convention", source.replace(right, wrong))
    model, x, t = TwoLayers(), torch.randn(7, 5).double(), torch.tensor([0, 2, 1, 1, 0, 2, 2])
    links = links_of_derivation(model, cross_entropy, (x,), t, lambda given: module.derivation(given, x, t))
    wrong_line = source[: source.index(right)].count("\n") + 1
    assert {link.quantity.place.line for link in links.wrong} == {wrong_line}, str(links)
    assert ("7 times the loss" in links.note) == (source is N_TIMES)
    assert all(link.status is not Status.NOT_JUDGED for link in links.links)
