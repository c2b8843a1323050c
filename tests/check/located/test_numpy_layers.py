"""Helpers, layers that are objects, and loops of arrays: a chain in numpy as one in torch."""

from dataclasses import replace

import pytest
import torch

from torch_reference import check_function
from torch_reference.chain.inside import links_of_function
from torch_reference.chain.recording.placing import Placing
from user_files import imported

HELPERS = """
import numpy as np


class Norm:
    def forward(self, x, gain):
        self.gain = gain
        self.centred = x - x.mean(axis=0)
        self.spread = np.sqrt(x.var(axis=0) + 1e-5)
        self.normed = self.centred / self.spread
        return gain * self.normed

    def backward(self, d_out):
        d_gain = np.sum(d_out * self.normed, axis=0)
        d_normed = d_out * self.gain
        d_spread = -np.sum(d_normed * self.centred, axis=0) / self.spread**2
        d_centred = d_normed / self.spread + self.centred * d_spread / self.spread / len(d_out)
        return d_centred - d_centred.mean(axis=0), d_gain


def relu_backward(d_out, hidden):
    d_hidden = d_out * (hidden > 0)
    return d_hidden


def forward(x, w, gain):
    norm, hidden = Norm(), np.zeros((len(x), w.shape[1]))
    for row in range(len(x)):
        hidden[row] = np.dot(x[row], w)
    return np.maximum(norm.forward(hidden, gain), 0), (norm, x, w)


def backward(saved, d_out):
    norm, x, w = saved
    d_normed = relu_backward(d_out, norm.gain * norm.normed)
    d_hidden, d_gain = norm.backward(d_normed)
    return d_hidden @ w.T, x.T @ d_hidden, d_gain
"""


@pytest.mark.medium(1)
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("-np.sum(d_normed", "np.sum(d_normed"),
        ("d_out * self.normed", "d_out * self.centred"),
        ("(hidden > 0)", "(hidden < 0)"),
    ],
)
def test_a_line_of_a_helper_in_numpy_is_named(tmp_path, right: str, wrong: str) -> None:
    """Helpers, objects that keep arrays, and a loop that fills an array of zeros; no right line with it.

    The norm's d_centred means another path than the forward pass's centred: it is blamed for nothing.
    """
    assert HELPERS.count(right) == 1
    module = imported(tmp_path, "helpers", HELPERS.replace(right, wrong))
    torch.manual_seed(0)
    inputs = [torch.randn(*shape).double() for shape in ((6, 3), (3, 4), (4,))]

    def reference(x, w, gain):
        return torch.nn.functional.batch_norm(x @ w, None, None, gain, None, training=True).relu()

    plain = Placing.plain(3)
    arrays = replace(plain, arrays=frozenset(plain.names))
    above = [torch.randn(6, 4).double()]
    pair = (module.forward, module.backward)
    links = links_of_function(pair, reference, inputs, [True] * 3, above, arrays)
    wrong_line = HELPERS[: HELPERS.index(right)].count("\n") + 1
    assert wrong_line in {link.quantity.place.line for link in links.wrong}
    assert len(links.wrong) == 1


NAMELESS = """
import numpy as np


def turned(x):
    return x.transpose(1, 0)




def forward(x, w):
    gate = 1 / (1 + np.exp(-np.dot(x, w)))
    return np.tanh(gate), (x, w, gate)


def backward(saved, error):
    x, w, gate = saved
    error = error * (1 - np.tanh(gate) ** 2)
    error = error * gate * (1 - gate)
    other = np.dot(turned(x), error)
    return np.dot(error, turned(w)), -other
"""


LAYERS = """
import numpy as np


class Dense:
    def __init__(self, w):
        self.w = w

    def forward(self, x):
        self.x = x
        return np.dot(x, self.w)

    def backward(self, error):
        self.grad = np.dot(self.x.T, error)
        return np.dot(error, self.w.T)


class Softmax:
    def forward(self, x):
        e = np.exp(x - np.max(x, axis=1, keepdims=True))
        self.p = e / np.sum(e, axis=1, keepdims=True)
        return self.p

    def backward(self, error):
        inner = np.sum(error * self.p, axis=1, keepdims=True)
        return self.p * (error - inner)


def forward(x, w, v):
    layers = [Dense(w), Softmax(), Dense(v)]
    for layer in layers:
        x = layer.forward(x)
    return x, layers


def backward(layers, error):
    for layer in reversed(layers):
        error = layer.backward(error)
    return error, layers[0].grad, layers[2].grad
"""


@pytest.mark.parametrize(
    ("right", "wrong"), [("error - inner", "error + inner"), ("(self.x.T", "(2 * self.x.T")]
)
def test_what_a_layers_backward_returns_needs_no_name(tmp_path, right: str, wrong: str) -> None:
    """It belongs to what the layer was called with, whatever both are called."""
    module = imported(tmp_path, "layers", LAYERS.replace(right, wrong))
    torch.manual_seed(0)
    inputs = [torch.randn(*shape).double() for shape in ((3, 5), (5, 4), (4, 2))]
    plain = Placing.plain(3)
    arrays = replace(plain, arrays=frozenset(plain.names))
    above = [torch.randn(3, 2).double()]
    pair = (module.forward, module.backward)
    links = links_of_function(pair, lambda x, w, v: (x @ w).softmax(1) @ v, inputs, [True] * 3, above, arrays)
    wrong_line = LAYERS[: LAYERS.index(right)].count("\n") + 1
    assert {link.quantity.place.line for link in links.wrong} == {wrong_line}


def test_beside_a_wrong_gradient_other_roundings_than_torchs_blame_nobody(tmp_path) -> None:
    """numpy's own exponentials, and a sum in another order: no link is wrong but the one that is."""
    module = imported(tmp_path, "nameless", NAMELESS)
    torch.manual_seed(0)
    inputs = [torch.randn(*shape).double() for shape in ((3, 5), (5, 2))]
    plain = Placing.plain(2)
    arrays = replace(plain, arrays=frozenset(plain.names))
    above = [torch.randn(3, 2).double()]
    pair = (module.forward, module.backward)
    links = links_of_function(pair, lambda x, w: (x @ w).sigmoid().tanh(), inputs, [True] * 2, above, arrays)
    assert [link.quantity.returned for link in links.wrong] == ["inputs[1]"]


@pytest.mark.slow
def test_a_method_of_a_layer_that_the_forward_pass_made_is_mended(tmp_path) -> None:
    """The forward pass is run anew as well, so that its objects have the edited method."""
    right = "d_gain = np.sum(d_out * self.normed, axis=0)"
    module = imported(tmp_path, "methods", HELPERS.replace(right, f"d_gain = -{right[9:]}"))
    torch.manual_seed(0)
    inputs = [torch.randn(*shape).double().numpy() for shape in ((6, 3), (3, 4), (4,))]

    def reference(x, w, gain):
        return torch.nn.functional.batch_norm(x @ w, None, None, gain, None, training=True).relu()

    pair = (module.forward, module.backward)
    report = check_function(pair, reference, *inputs, ways=[], order=1, draws=1)
    assert f"+        {right}" in report.fix
