"""Convolutions, pooling and normalisation, as people's own frameworks write their backward."""

import torch
import torch.nn.functional as F
from torch.autograd import Function


def im2col_forward(x, w, b, stride=1, pad=1):
    N, C, H, W = x.shape
    K, _, FH, FW = w.shape
    OH, OW = (H + 2 * pad - FH) // stride + 1, (W + 2 * pad - FW) // stride + 1
    col = F.unfold(x, (FH, FW), padding=pad, stride=stride).transpose(1, 2).reshape(N * OH * OW, -1)
    col_w = w.reshape(K, -1).T
    out = (col @ col_w + b).reshape(N, OH, OW, K).permute(0, 3, 1, 2)
    return out, (x, w, col, col_w, stride, pad)


def im2col_backward(cache, dout):
    x, w, col, col_w, stride, pad = cache
    N, C, H, W = x.shape
    K, _, FH, FW = w.shape
    dout2 = dout.permute(0, 2, 3, 1).reshape(-1, K)
    db = dout2.sum(0)
    dcol_w = col.T @ dout2
    dw = dcol_w.T.reshape(K, C, FH, FW)
    dcol = dout2 @ col_w.T
    dcol = dcol.reshape(N, -1, C * FH * FW).transpose(1, 2)
    dx = F.fold(dcol, (H, W), (FH, FW), padding=pad, stride=stride)
    return dx, dw, db


class AvgPool(Function):
    @staticmethod
    def forward(ctx, x, k=2):
        N, C, H, W = x.shape
        ctx.shape, ctx.k = x.shape, k
        return x.reshape(N, C, H // k, k, W // k, k).mean((3, 5))

    @staticmethod
    def backward(ctx, dy):
        k = ctx.k
        dx = dy.repeat_interleave(k, 2).repeat_interleave(k, 3)
        dx = dx / (k * k)
        return dx, None


class Depthwise(Function):
    """One filter of one dimension for each channel."""

    @staticmethod
    def forward(ctx, x, w, b):
        K = w.shape[1]
        xp = F.pad(x, (K - 1, 0))
        windows = xp.unfold(2, K, 1)
        ctx.save_for_backward(windows, w)
        return (windows * w[:, None]).sum(3) + b[:, None]

    @staticmethod
    def backward(ctx, dy):
        windows, w = ctx.saved_tensors
        B, C, T = dy.shape
        K = w.shape[1]
        db = dy.sum((0, 2))
        dw = (dy[..., None] * windows).sum((0, 2))
        dxp = torch.zeros(B, C, T + K - 1, dtype=dy.dtype)
        for j in range(K):
            dxp[:, :, j : j + T] += dy * w[:, j][:, None]
        dx = dxp[:, :, K - 1 :]
        return dx, dw, db


class BatchNormEval(Function):
    """By the running numbers: they are constants."""

    @staticmethod
    def forward(ctx, x, running_mean, running_var, gamma, beta):
        inv_std = 1 / torch.sqrt(running_var + 1e-5)
        x_hat = (x - running_mean) * inv_std
        ctx.save_for_backward(x_hat, inv_std, gamma)
        return gamma * x_hat + beta

    @staticmethod
    def backward(ctx, grad_out):
        x_hat, inv_std, gamma = ctx.saved_tensors
        grad_gamma = (grad_out * x_hat).sum(0)
        grad_beta = grad_out.sum(0)
        grad_x = grad_out * gamma * inv_std
        return grad_x, None, None, grad_gamma, grad_beta


class BatchNormPaper(Function):
    """By the equations of the paper, with the names of its symbols."""

    @staticmethod
    def forward(ctx, x, gamma, beta):
        mean = x.mean(0)
        var = ((x - mean) ** 2).mean(0)
        x_hat = (x - mean) / torch.sqrt(var + 1e-5)
        ctx.save_for_backward(x, mean, var, x_hat, gamma)
        return gamma * x_hat + beta

    @staticmethod
    def backward(ctx, dy):
        x, mean, var, x_hat, gamma = ctx.saved_tensors
        m = len(x)
        std_inv = (var + 1e-5) ** -0.5
        d_x_hat = dy * gamma
        d_var = (d_x_hat * (x - mean) * -0.5 * std_inv**3).sum(0)
        d_mean = (d_x_hat * -std_inv).sum(0) + d_var * (-2 * (x - mean)).mean(0)
        dx = d_x_hat * std_inv + d_var * 2 * (x - mean) / m + d_mean / m
        d_gamma = (dy * x_hat).sum(0)
        d_beta = dy.sum(0)
        return dx, d_gamma, d_beta


class InstanceNorm(Function):
    @staticmethod
    def forward(ctx, x, g):
        mu = x.mean((2, 3), keepdim=True)
        rstd = torch.rsqrt(x.var((2, 3), keepdim=True, unbiased=False) + 1e-5)
        xh = (x - mu) * rstd
        ctx.save_for_backward(xh, rstd, g)
        return xh * g[:, None, None]

    @staticmethod
    def backward(ctx, dy):
        xh, rstd, g = ctx.saved_tensors
        dg = (dy * xh).sum((0, 2, 3))
        dxh = dy * g[:, None, None]
        s1 = dxh.mean((2, 3), keepdim=True)
        s2 = (dxh * xh).mean((2, 3), keepdim=True)
        return rstd * (dxh - s1 - xh * s2), dg


R = torch.randn
SUBJECTS = {
    "im2col": lambda: (
        (im2col_forward, im2col_backward),
        lambda x, w, b: F.conv2d(x, w, b, padding=1),
        (R(2, 2, 4, 3), R(3, 2, 3, 3), R(3)),
    ),
    "avg_pool": lambda: (AvgPool, lambda x: F.avg_pool2d(x, 2), (R(2, 3, 4, 6),)),
    "depthwise": lambda: (
        Depthwise,
        lambda x, w, b: F.conv1d(F.pad(x, (2, 0)), w[:, None], b, groups=len(w)),
        (R(2, 3, 5), R(3, 3), R(3)),
    ),
    "bn_eval": lambda: (
        BatchNormEval,
        lambda x, m, v, g, b: F.batch_norm(x, m, v, g, b, False),
        (R(5, 3), R(3), torch.rand(3) + 0.5, R(3), R(3)),
        [0, 3, 4],
    ),
    "bn_paper": lambda: (
        BatchNormPaper,
        lambda x, g, b: F.batch_norm(x, None, None, g, b, True),
        (R(6, 3), R(3), R(3)),
    ),
    "instance": lambda: (InstanceNorm, lambda x, g: F.instance_norm(x, weight=g), (R(2, 3, 2, 3), R(3))),
}
