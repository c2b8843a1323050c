"""Convolution and pooling in the style of CS231n: plain loops."""

import torch
import torch.nn.functional as F


def conv_forward_naive(x, w, b, stride=2, pad=1):
    N, C, H, W = x.shape
    K, _, HH, WW = w.shape
    xp = F.pad(x, (pad, pad, pad, pad))
    Hp, Wp = 1 + (H + 2 * pad - HH) // stride, 1 + (W + 2 * pad - WW) // stride
    out = torch.zeros((N, K, Hp, Wp), dtype=x.dtype)
    for i in range(Hp):
        for j in range(Wp):
            win = xp[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
            out[:, :, i, j] = torch.einsum("nchw,kchw->nk", win, w) + b
    return out, (x, w, b, stride, pad)


def conv_backward_naive(dout, cache):
    x, w, b, stride, pad = cache
    N, K, Hp, Wp = dout.shape
    _, _, HH, WW = w.shape
    xp = F.pad(x, (pad, pad, pad, pad))
    dxp = torch.zeros_like(xp)
    dw = torch.zeros_like(w)
    db = dout.sum(dim=(0, 2, 3))
    for i in range(Hp):
        for j in range(Wp):
            h0, w0 = i * stride, j * stride
            win = xp[:, :, h0 : h0 + HH, w0 : w0 + WW]
            dw += torch.einsum("nk,nchw->kchw", dout[:, :, i, j], win)
            dxp[:, :, h0 : h0 + HH, w0 : w0 + WW] += torch.einsum("nk,kchw->nchw", dout[:, :, i, j], w)
    dx = dxp[:, :, pad:-pad, pad:-pad]
    return dx, dw, db


def max_pool_forward_naive(x, size=2):
    N, C, H, W = x.shape
    out = torch.zeros((N, C, H // size, W // size), dtype=x.dtype)
    for i in range(H // size):
        for j in range(W // size):
            out[:, :, i, j] = x[:, :, i * size : (i + 1) * size, j * size : (j + 1) * size].amax((2, 3))
    return out, (x, size)


def max_pool_backward_naive(dout, cache):
    x, size = cache
    dx = torch.zeros_like(x)
    N, C, Hp, Wp = dout.shape
    for i in range(Hp):
        for j in range(Wp):
            win = x[:, :, i * size : (i + 1) * size, j * size : (j + 1) * size]
            mask = win == win.amax((2, 3), keepdim=True)
            dx[:, :, i * size : (i + 1) * size, j * size : (j + 1) * size] = (
                mask * dout[:, :, i, j][:, :, None, None]
            )
    return dx


R = torch.randn
SUBJECTS = {
    "conv": lambda: (
        (conv_forward_naive, lambda cache, dout: conv_backward_naive(dout, cache)),
        lambda x, w, b: F.conv2d(x, w, b, 2, 1),
        (R(2, 3, 5, 5), R(4, 3, 3, 3), R(4)),
    ),
    "max_pool": lambda: (
        (max_pool_forward_naive, lambda cache, dout: max_pool_backward_naive(dout, cache)),
        lambda x: F.max_pool2d(x, 2),
        (R(2, 3, 4, 6),),
    ),
}
