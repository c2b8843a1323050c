"""Whole networks derived by hand: (model, loss, inputs, targets, derivation)."""

import torch
import torch.nn.functional as F
from torch import nn


class Shallow(nn.Module):
    """Andrew Ng's planar data classifier: columns are examples."""

    def __init__(self):
        super().__init__()
        self.W1, self.b1 = nn.Parameter(torch.randn(4, 2)), nn.Parameter(torch.randn(4, 1))
        self.W2, self.b2 = nn.Parameter(torch.randn(1, 4)), nn.Parameter(torch.randn(1, 1))

    def forward(self, X):
        A1 = torch.tanh(self.W1 @ X + self.b1)
        return torch.sigmoid(self.W2 @ A1 + self.b2)


def cost(A2, Y):
    m = Y.shape[1]
    return -(Y * A2.log() + (1 - Y) * (1 - A2).log()).sum() / m


def backward_propagation(parameters, X, Y):
    m = X.shape[1]
    W1, W2 = parameters["W1"], parameters["W2"]
    A1 = torch.tanh(W1 @ X + parameters["b1"])
    A2 = torch.sigmoid(W2 @ A1 + parameters["b2"])
    dZ2 = A2 - Y
    dW2 = 1 / m * dZ2 @ A1.T
    db2 = 1 / m * torch.sum(dZ2, dim=1, keepdim=True)
    dZ1 = (W2.T @ dZ2) * (1 - A1**2)
    dW1 = 1 / m * dZ1 @ X.T
    db1 = 1 / m * torch.sum(dZ1, dim=1, keepdim=True)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


def tutorial(parameters, x, y):
    """PyTorch's 'Learning PyTorch with Examples'."""
    w1, w2 = parameters["0.weight"].T, parameters["2.weight"].T
    h = x.mm(w1)
    h_relu = h.clamp(min=0)
    y_pred = h_relu.mm(w2)
    grad_y_pred = 2.0 * (y_pred - y)
    grad_w2 = h_relu.t().mm(grad_y_pred)
    grad_h_relu = grad_y_pred.mm(w2.t())
    grad_h = grad_h_relu.clone()
    grad_h[h < 0] = 0
    grad_w1 = x.t().mm(grad_h)
    return {"0.weight": grad_w1.t(), "2.weight": grad_w2.t()}


def sigmoid(z):
    return 1.0 / (1.0 + torch.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


def nielsen(parameters, x, y):
    """Neural Networks and Deep Learning, network.py, one example after another."""
    weights = [parameters["0.weight"], parameters["2.weight"]]
    biases = [parameters["0.bias"], parameters["2.bias"]]
    nabla_b = [torch.zeros_like(b) for b in biases]
    nabla_w = [torch.zeros_like(w) for w in weights]
    for one, target in zip(x, y):
        activation = one
        activations = [one]
        zs = []
        for b, w in zip(biases, weights):
            z = w @ activation + b
            zs.append(z)
            activation = sigmoid(z)
            activations.append(activation)
        delta = (activations[-1] - target) * sigmoid_prime(zs[-1])
        nabla_b[-1] += delta
        nabla_w[-1] += torch.outer(delta, activations[-2])
        delta = (weights[-1].T @ delta) * sigmoid_prime(zs[-2])
        nabla_b[-2] += delta
        nabla_w[-2] += torch.outer(delta, activations[-3])
    return {"0.weight": nabla_w[0], "0.bias": nabla_b[0], "2.weight": nabla_w[1], "2.bias": nabla_b[1]}


def mse(output, y):
    return F.mse_loss(output, y)


def attention_net(parameters, x, y):
    Wq, Wk, Wv = parameters["Wq"], parameters["Wk"], parameters["Wv"]
    d = Wq.shape[1]
    Q, K, V = x @ Wq, x @ Wk, x @ Wv
    S = Q @ K.T / d**0.5
    P = torch.softmax(S, dim=-1)
    O = P @ V
    dO = 2 * (O - y) / O.numel()
    dV = P.T @ dO
    dP = dO @ V.T
    dS = P * (dP - (P * dP).sum(dim=-1, keepdim=True))
    dQ = dS @ K / d**0.5
    dK = dS.T @ Q / d**0.5
    return {"Wq": x.T @ dQ, "Wk": x.T @ dK, "Wv": x.T @ dV}


class AttentionNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.Wq, self.Wk, self.Wv = (nn.Parameter(torch.randn(4, 3)) for _ in range(3))

    def forward(self, x):
        return torch.softmax(x @ self.Wq @ (x @ self.Wk).T / 3**0.5, -1) @ (x @ self.Wv)


R = torch.randn
half_ssr = lambda out, y: 0.5 * ((out - y) ** 2).sum()  # noqa: E731
ssr = lambda out, y: ((out - y) ** 2).sum()  # noqa: E731
SUBJECTS = {
    "planar": lambda: (Shallow(), cost, R(2, 7), (R(1, 7) > 0).double(), backward_propagation),
    "tutorial": lambda: (
        nn.Sequential(nn.Linear(3, 5, bias=False), nn.ReLU(), nn.Linear(5, 2, bias=False)),
        ssr,
        R(6, 3),
        R(6, 2),
        tutorial,
    ),
    "nielsen": lambda: (
        nn.Sequential(nn.Linear(3, 4), nn.Sigmoid(), nn.Linear(4, 2), nn.Sigmoid()),
        half_ssr,
        R(5, 3),
        R(5, 2),
        nielsen,
    ),
    "attention_net": lambda: (AttentionNet(), mse, R(5, 4), R(5, 3), attention_net),
}
