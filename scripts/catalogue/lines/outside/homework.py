"""Networks derived by hand, as notebooks have them: (model, loss, inputs, targets, derivation)."""

import torch
import torch.nn.functional as F
from torch import nn


class Line(nn.Module):
    def __init__(self):
        super().__init__()
        self.w, self.b = nn.Parameter(torch.randn(3)), nn.Parameter(torch.randn(()))

    def forward(self, x):
        return x @ self.w + self.b


def line_gradients(parameters, x, y):
    w, b = parameters["w"], parameters["b"]
    yhat = x @ w + b
    error = yhat - y
    b_grad = 2 * error.mean()
    w_grad = 2 * (x * error[:, None]).mean(0)
    return {"w": w_grad, "b": b_grad}


class Cbow(nn.Module):
    """Columns are examples, as in a course on word vectors."""

    def __init__(self):
        super().__init__()
        self.W1, self.b1 = nn.Parameter(torch.randn(3, 5)), nn.Parameter(torch.randn(3, 1))
        self.W2, self.b2 = nn.Parameter(torch.randn(5, 3)), nn.Parameter(torch.randn(5, 1))

    def forward(self, x):
        return self.W2 @ torch.relu(self.W1 @ x + self.b1) + self.b2


def cbow_loss(z, y):
    return -(y * F.log_softmax(z, 0)).sum() / y.shape[1]


def back_prop(parameters, x, y):
    W1, W2, b1, b2 = (parameters[name] for name in ("W1", "W2", "b1", "b2"))
    batch_size = x.shape[1]
    z1 = W1 @ x + b1
    h = torch.relu(z1)
    z2 = W2 @ h + b2
    yhat = torch.softmax(z2, 0)
    l1 = W2.T @ (yhat - y)
    l1 = l1 * (z1 > 0)
    grad_W1 = (1 / batch_size) * l1 @ x.T
    grad_W2 = (1 / batch_size) * (yhat - y) @ h.T
    grad_b1 = (1 / batch_size) * l1.sum(1, keepdim=True)
    grad_b2 = (1 / batch_size) * (yhat - y).sum(1, keepdim=True)
    return {"W1": grad_W1, "W2": grad_W2, "b1": grad_b1, "b2": grad_b2}


class SoftmaxRegression(nn.Module):
    def __init__(self):
        super().__init__()
        self.weights, self.bias = nn.Parameter(torch.randn(3, 4)), nn.Parameter(torch.randn(3))

    def forward(self, x):
        return x @ self.weights.T + self.bias


def softmax_regression(parameters, x, y):
    logits = x @ parameters["weights"].T + parameters["bias"]
    probas = torch.softmax(logits, 1)
    onehot = F.one_hot(y, 3).to(x.dtype)
    grad_loss_wrt_w = -(x.T @ (onehot - probas)).T
    grad_loss_wrt_b = -torch.sum(onehot - probas, dim=0)
    return {"weights": grad_loss_wrt_w, "bias": grad_loss_wrt_b}


class Hidden(nn.Module):
    """Sigmoids in two layers, half the sum of squared errors: the network of a hundred tutorials."""

    def __init__(self):
        super().__init__()
        self.w1, self.w2 = nn.Parameter(torch.randn(3, 4)), nn.Parameter(torch.randn(4, 2))

    def forward(self, x):
        return torch.sigmoid(torch.sigmoid(x @ self.w1) @ self.w2)


def half_squares(output, y):
    return 0.5 * ((output - y) ** 2).sum()


def hidden_deltas(parameters, x, y):
    w1, w2 = parameters["w1"], parameters["w2"]
    l1 = torch.sigmoid(x @ w1)
    l2 = torch.sigmoid(l1 @ w2)
    l2_error = l2 - y
    l2_delta = l2_error * (l2 * (1 - l2))
    l1_error = l2_delta @ w2.T
    l1_delta = l1_error * (l1 * (1 - l1))
    return {"w2": l1.T @ l2_delta, "w1": x.T @ l1_delta}


class Tied(nn.Module):
    """An autoencoder whose decoder is the transposed encoder."""

    def __init__(self):
        super().__init__()
        self.W, self.b = nn.Parameter(torch.randn(4, 3)), nn.Parameter(torch.randn(3))
        self.c = nn.Parameter(torch.randn(4))

    def forward(self, x):
        return torch.tanh(x @ self.W + self.b) @ self.W.T + self.c


def tied_gradients(parameters, x, y):
    W, b, c = parameters["W"], parameters["b"], parameters["c"]
    h = torch.tanh(x @ W + b)
    out = h @ W.T + c
    dout = 2 * (out - y) / out.numel()
    dc = dout.sum(0)
    dh = dout @ W
    da = dh * (1 - h**2)
    db = da.sum(0)
    dW = x.T @ da + dout.T @ h
    return {"W": dW, "b": db, "c": dc}


class Elman(nn.Module):
    """One state over time, and the mean squared error of its last step."""

    def __init__(self):
        super().__init__()
        self.U, self.W, self.V = (nn.Parameter(0.5 * torch.randn(*s)) for s in ((3, 4), (4, 4), (4, 2)))

    def forward(self, x):
        s = torch.zeros(x.shape[0], 4, dtype=x.dtype)
        for t in range(x.shape[1]):
            s = torch.tanh(x[:, t] @ self.U + s @ self.W)
        return s @ self.V


def bptt(parameters, x, y):
    U, W, V = parameters["U"], parameters["W"], parameters["V"]
    N, T, D = x.shape
    s = {-1: torch.zeros(N, 4, dtype=x.dtype)}
    for t in range(T):
        s[t] = torch.tanh(x[:, t] @ U + s[t - 1] @ W)
    out = s[T - 1] @ V
    dout = 2 * (out - y) / out.numel()
    dV = s[T - 1].T @ dout
    dU, dW = torch.zeros_like(U), torch.zeros_like(W)
    ds = dout @ V.T
    for t in reversed(range(T)):
        da = ds * (1 - s[t] ** 2)
        dW += s[t - 1].T @ da
        dU += x[:, t].T @ da
        ds = da @ W.T
    return {"U": dU, "W": dW, "V": dV}


R = torch.randn


def one_hot_columns():
    return F.one_hot(torch.randint(0, 5, (6,)), 5).double().T


SUBJECTS = {
    "line": lambda: (Line(), F.mse_loss, R(7, 3), R(7), line_gradients),
    "cbow": lambda: (Cbow(), cbow_loss, torch.rand(5, 6), one_hot_columns(), back_prop),
    "regression": lambda: (
        SoftmaxRegression(),
        lambda z, y: F.cross_entropy(z, y, reduction="sum"),
        R(6, 4),
        torch.randint(0, 3, (6,)),
        softmax_regression,
    ),
    "hidden": lambda: (Hidden(), half_squares, R(5, 3), torch.rand(5, 2), hidden_deltas),
    "tied": lambda: (Tied(), F.mse_loss, R(6, 4), R(6, 4), tied_gradients),
    "elman": lambda: (Elman(), F.mse_loss, R(4, 3, 3), R(4, 2), bptt),
}
