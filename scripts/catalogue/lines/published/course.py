"""Layers in the style of CS231n's assignments: forward(x, ...) -> (out, cache), backward(dout, cache)."""

import torch
import torch.nn.functional as F


def affine_forward(x, w, b):
    out = x.reshape(x.shape[0], -1) @ w + b
    cache = (x, w, b)
    return out, cache


def affine_backward(dout, cache):
    x, w, b = cache
    dx = (dout @ w.T).reshape(x.shape)
    dw = x.reshape(x.shape[0], -1).T @ dout
    db = dout.sum(0)
    return dx, dw, db


def batchnorm_forward(x, gamma, beta, eps=1e-5):
    N, D = x.shape
    mu = 1.0 / N * torch.sum(x, dim=0)
    xmu = x - mu
    sq = xmu**2
    var = 1.0 / N * torch.sum(sq, dim=0)
    sqrtvar = torch.sqrt(var + eps)
    ivar = 1.0 / sqrtvar
    xhat = xmu * ivar
    gammax = gamma * xhat
    out = gammax + beta
    cache = (xhat, gamma, xmu, ivar, sqrtvar, var, eps)
    return out, cache


def batchnorm_backward(dout, cache):
    xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
    N, D = dout.shape
    dbeta = torch.sum(dout, dim=0)
    dgammax = dout
    dgamma = torch.sum(dgammax * xhat, dim=0)
    dxhat = dgammax * gamma
    divar = torch.sum(dxhat * xmu, dim=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -1.0 / (sqrtvar**2) * divar
    dvar = 0.5 * 1.0 / torch.sqrt(var + eps) * dsqrtvar
    dsq = 1.0 / N * torch.ones((N, D), dtype=dout.dtype) * dvar
    dxmu2 = 2 * xmu * dsq
    dx1 = dxmu1 + dxmu2
    dmu = -1 * torch.sum(dxmu1 + dxmu2, dim=0)
    dx2 = 1.0 / N * torch.ones((N, D), dtype=dout.dtype) * dmu
    dx = dx1 + dx2
    return dx, dgamma, dbeta


def batchnorm_alt_backward(dout, cache):
    xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
    N = dout.shape[0]
    dbeta = dout.sum(0)
    dgamma = (dout * xhat).sum(0)
    dxhat = dout * gamma
    dx = ivar / N * (N * dxhat - dxhat.sum(0) - xhat * (dxhat * xhat).sum(0))
    return dx, dgamma, dbeta


def layernorm_forward(x, gamma, beta, eps=1e-5):
    mu = x.mean(dim=1, keepdim=True)
    var = x.var(dim=1, keepdim=True, unbiased=False)
    std = torch.sqrt(var + eps)
    xn = (x - mu) / std
    out = gamma * xn + beta
    return out, (x, mu, std, xn, gamma)


def layernorm_backward(dout, cache):
    x, mu, std, xn, gamma = cache
    D = x.shape[1]
    dgamma = (dout * xn).sum(dim=0)
    dbeta = dout.sum(dim=0)
    dxn = dout * gamma
    dstd = (-dxn * (x - mu) / std**2).sum(dim=1, keepdim=True)
    dvar = 0.5 * dstd / std
    dmu = -(dxn / std).sum(dim=1, keepdim=True)
    dx = dxn / std + dvar * 2 * (x - mu) / D + dmu / D
    return dx, dgamma, dbeta


def dropout_forward(x, p=0.6):
    torch.manual_seed(3)
    mask = (torch.rand(x.shape) < p).to(x.dtype) / p
    out = x * mask
    return out, mask


def dropout_backward(dout, cache):
    mask = cache
    dx = dout * mask
    return dx


def two_layer_forward(x, w1, b1, w2, b2):
    a, c1 = affine_forward(x, w1, b1)
    h = torch.relu(a)
    scores, c2 = affine_forward(h, w2, b2)
    return scores, (c1, a, c2)


def two_layer_backward(dscores, cache):
    c1, a, c2 = cache
    dh, dw2, db2 = affine_backward(dscores, c2)
    da = dh * (a > 0)
    dx, dw1, db1 = affine_backward(da, c1)
    return dx, dw1, db1, dw2, db2


def swapped(forward, backward):
    return forward, lambda cache, dout: backward(dout, cache)


R = torch.randn
SUBJECTS = {
    "affine": lambda: (
        swapped(affine_forward, affine_backward),
        lambda x, w, b: x.flatten(1) @ w + b,
        (R(5, 2, 3), R(6, 4), R(4)),
    ),
    "batchnorm": lambda: (
        swapped(batchnorm_forward, batchnorm_backward),
        lambda x, g, b: F.batch_norm(x, None, None, g, b, True),
        (R(7, 4), R(4), R(4)),
    ),
    "batchnorm_alt": lambda: (
        swapped(batchnorm_forward, batchnorm_alt_backward),
        lambda x, g, b: F.batch_norm(x, None, None, g, b, True),
        (R(7, 4), R(4), R(4)),
    ),
    "layernorm": lambda: (
        swapped(layernorm_forward, layernorm_backward),
        lambda x, g, b: F.layer_norm(x, (5,), g, b),
        (R(6, 5), R(5), R(5)),
    ),
    "dropout": lambda: (
        swapped(dropout_forward, dropout_backward),
        lambda x: dropout_forward(x)[0],
        (R(6, 5),),
    ),
    "two_layer": lambda: (
        swapped(two_layer_forward, two_layer_backward),
        lambda x, w1, b1, w2, b2: (x @ w1 + b1).relu() @ w2 + b2,
        (R(6, 4), R(4, 5), R(5), R(5, 3), R(3)),
    ),
}
