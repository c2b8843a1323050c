"""A loss in numpy, derived as if its upstream gradient were one: the line that is wrong, and its edit."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from torch_reference import check_function
from user_files import imported

NETWORK = """
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward(x, y, W1, b1, W2):
    A1 = sigmoid(np.matmul(x, W1) + b1)
    A2 = sigmoid(np.matmul(A1, W2))
    return -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / len(x), (x, y, A1, A2, W2)


def backward(cache, dloss):
    x, y, A1, A2, W2 = cache
    m = x.shape[0]
    dL_dA2 = -y / A2 + (1 - y) / (1 - A2)
    dL_dZ2 = dL_dA2 * A2 * (1 - A2)
    dL_dA1 = np.dot(dL_dZ2, W2.T)
    dL_dZ1 = dL_dA1 * A1 * (1 - A1)
    dL_dW2 = (1 / m) * np.dot(A1.T, dL_dZ2)
    dL_dW1 = (1 / m) * np.dot(x.T, dL_dZ1)
    dL_db1 = (1 / m) * np.sum(dL_dZ1, axis=0)
    return None, None, dL_dW1 * dloss, dL_db1 * dloss, dL_dW2 * dloss
"""

LAYERS = """
import numpy as np


class Dense:
    def __init__(self, weights):
        self.weights = weights

    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.dot(inputs, self.weights)

    def backward(self, dvalues):
        self.dweights = np.dot(self.inputs.T, dvalues)
        self.dweights += 2 * 0.3 * self.weights
        self.dinputs = np.dot(dvalues, self.weights.T)


def softmax(z):
    return np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)


class Loss:
    def forward(self, inputs, labels):
        self.output = softmax(inputs)
        return np.mean(-np.log(self.output[range(len(inputs)), labels]))

    def backward(self, labels):
        self.dinputs = self.output.copy()
        self.dinputs[range(len(labels)), labels] -= 1
        self.dinputs = self.dinputs / len(labels)


def forward(x, labels, w1, w2):
    first, second, last = Dense(w1), Dense(w2), Loss()
    first.forward(x)
    second.forward(first.output)
    loss = last.forward(second.output, labels)
    return loss + 0.3 * (np.sum(w1**2) + np.sum(w2**2)), (first, second, last, labels)


def backward(cache, dloss):
    first, second, last, labels = cache
    last.backward(labels)
    second.backward(last.dinputs)
    first.backward(second.dinputs)
    return first.dinputs * dloss, None, first.dweights * dloss, second.dweights * dloss
"""


def located(folder: Path, source: str, right: str, wrong: str) -> tuple[list[int], int, str]:
    """The lines that are named, the wrong one's number, and the diff that is shown."""
    assert source.count(right) == 1
    module = imported(folder, "a_loss", source.replace(right, wrong))
    torch.manual_seed(0)
    x, w1, w2 = (torch.randn(*size).double() for size in ((5, 3), (3, 4), (4, 3)))
    pair = module.forward, module.backward
    if source is NETWORK:
        y, b1, w2 = (torch.rand(5, 1) > 0.5).double(), torch.randn(4).double(), w2[:, :1]
        given, reference, wrt = (x, y, w1, b1, w2), network, [2, 3, 4]
    else:
        given, reference, wrt = (x, torch.tensor([0, 2, 1, 1, 0]), w1, w2), layers, None
    report = check_function(pair, reference, *given, wrt=wrt, ways=[], order=1, draws=1)
    line = source[: source.index(right)].count("\n") + 1
    return [place.line for place in report.lines], line, report.fix


def network(x: Tensor, y: Tensor, w1: Tensor, b1: Tensor, w2: Tensor) -> Tensor:
    """The same in torch."""
    return binary_cross_entropy_with_logits(torch.sigmoid(x @ w1 + b1) @ w2, y)


def layers(x: Tensor, labels: Tensor, w1: Tensor, w2: Tensor) -> Tensor:
    """The same in torch."""
    return cross_entropy(x @ w1 @ w2, labels) + 0.3 * ((w1**2).sum() + (w2**2).sum())


@pytest.mark.medium
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("dL_dA2 = -y / A2 + (1 - y) / (1 - A2)", "dL_dA2 = -y / A2"),
        ("dL_dA1 = np.dot(dL_dZ2, W2.T)", "dL_dA1 = np.dot(dL_dA2, W2.T)"),
        ("dL_db1 = (1 / m) * np.sum", "dL_db1 = np.sum"),
    ],
)
def test_what_is_multiplied_by_the_upstream_gradient_in_the_end_is_judged(
    tmp_path: Path, right: str, wrong: str
) -> None:
    """Some of it is m times the gradient, some of it is the gradient: neither is a mistake."""
    lines, line, _ = located(tmp_path, NETWORK, right, wrong)
    assert lines[:1] == [line]


@pytest.mark.medium
def test_a_term_that_a_layer_adds_in_place_is_the_wrong_one(tmp_path: Path) -> None:
    """Of the two calls of the layer, and of their sums, neither is blamed."""
    lines, line, fix = located(tmp_path, LAYERS, "+= 2 * 0.3 * self.weights", "+= 0.3 * self.weights")
    assert lines[:1] == [line]
    assert "self.weights" in fix


@pytest.mark.medium
def test_what_forgets_the_upstream_gradient_is_seen_as_given(tmp_path: Path) -> None:
    """With one in its place nothing would be wrong."""
    lines, line, _ = located(tmp_path, LAYERS, "second.dweights * dloss", "second.dweights")
    assert lines == [line]
