"""Fused operations, as libraries of kernels write their backward."""

import torch
import torch.nn.functional as F


class RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, eps=1e-6):
        ms = x.pow(2).mean(-1, keepdim=True)
        inv = torch.rsqrt(ms + eps)
        y = x * inv
        ctx.save_for_backward(x, weight, inv)
        return y * weight

    @staticmethod
    def backward(ctx, grad_out):
        x, weight, inv = ctx.saved_tensors
        n = x.shape[-1]
        grad_w = (grad_out * x * inv).sum(tuple(range(x.ndim - 1)))
        grad_y = grad_out * weight
        dot = (grad_y * x).sum(-1, keepdim=True)
        grad_x = grad_y * inv - x * inv**3 * dot / n
        return grad_x, grad_w, None


class SwiGLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w1, w2, w3):
        x1 = x @ w1.T
        x2 = x @ w2.T
        sig = torch.sigmoid(x1)
        x4 = x1 * sig * x2
        ctx.save_for_backward(x, w1, w2, w3, x1, x2)
        return x4 @ w3.T

    @staticmethod
    def backward(ctx, dx5):
        x, w1, w2, w3, x1, x2 = ctx.saved_tensors
        sig = torch.sigmoid(x1)
        silu = x1 * sig
        x4 = silu * x2
        dx4 = dx5 @ w3
        dw3 = dx5.T @ x4
        dx2 = dx4 * silu
        dx1 = dx4 * x2 * (sig + silu * (1 - sig))
        dw1 = dx1.T @ x
        dw2 = dx2.T @ x
        dx = dx1 @ w1 + dx2 @ w2
        return dx, dw1, dw2, dw3


class Rope(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, cos, sin):
        x1, x2 = x.chunk(2, -1)
        ctx.save_for_backward(cos, sin)
        return torch.cat([x1 * cos - x2 * sin, x2 * cos + x1 * sin], -1)

    @staticmethod
    def backward(ctx, dy):
        cos, sin = ctx.saved_tensors
        dy1, dy2 = dy.chunk(2, -1)
        dx1 = dy1 * cos + dy2 * sin
        dx2 = dy2 * cos - dy1 * sin
        dx = torch.cat([dx1, dx2], -1)
        return dx, None, None


class Softmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = torch.softmax(x, -1)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad_y):
        (y,) = ctx.saved_tensors
        s = (grad_y * y).sum(-1, keepdim=True)
        grad_x = y * (grad_y - s)
        return grad_x


class LogSoftmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.y = torch.log_softmax(x, -1).detach()
        return torch.log_softmax(x, -1)

    @staticmethod
    def backward(ctx, g):
        return g - torch.exp(ctx.y) * g.sum(-1, keepdim=True)


class Mish(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.tanh(F.softplus(x))

    @staticmethod
    def backward(ctx, grad_output):
        x = ctx.saved_tensors[0]
        sigmoid = torch.sigmoid(x)
        tanh_sp = torch.tanh(F.softplus(x))
        return grad_output * (tanh_sp + x * sigmoid * (1 - tanh_sp * tanh_sp))


class Swish(torch.autograd.Function):
    @staticmethod
    def forward(ctx, i):
        result = i * i.sigmoid()
        ctx.save_for_backward(result, i)
        return result

    @staticmethod
    def backward(ctx, grad_output):
        result, i = ctx.saved_tensors
        sigmoid_x = i.sigmoid()
        return grad_output * (result + sigmoid_x * (1 - result))


class WeightNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, v, g):
        norm = v.norm(dim=1, keepdim=True)
        w = g * v / norm
        ctx.save_for_backward(v, g, norm)
        return w

    @staticmethod
    def backward(ctx, dw):
        v, g, norm = ctx.saved_tensors
        dg = (dw * v / norm).sum(1, keepdim=True)
        dv = g / norm * (dw - v * dg / norm)
        return dv, dg


class GroupNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, gamma, beta, G=2):
        N, C, H, W = x.shape
        xg = x.reshape(N, G, C // G, H, W)
        mean = xg.mean((2, 3, 4), keepdim=True)
        var = ((xg - mean) ** 2).mean((2, 3, 4), keepdim=True)
        rstd = (var + 1e-5) ** -0.5
        xhat = ((xg - mean) * rstd).reshape(N, C, H, W)
        ctx.save_for_backward(xhat, rstd, gamma)
        ctx.G = G
        return xhat * gamma[:, None, None] + beta[:, None, None]

    @staticmethod
    def backward(ctx, dy):
        xhat, rstd, gamma = ctx.saved_tensors
        N, C, H, W = dy.shape
        dbeta = dy.sum((0, 2, 3))
        dgamma = (dy * xhat).sum((0, 2, 3))
        dxhat = dy * gamma[:, None, None]
        dg = dxhat.reshape(N, ctx.G, -1)
        xg = xhat.reshape(N, ctx.G, -1)
        mean1 = dg.mean(2, keepdim=True)
        mean2 = (dg * xg).mean(2, keepdim=True)
        dx = (rstd.reshape(N, ctx.G, 1) * (dg - mean1 - xg * mean2)).reshape(N, C, H, W)
        return dx, dgamma, dbeta, None


R = torch.randn
SUBJECTS = {
    "rms_norm": lambda: (RMSNorm, lambda x, w: F.rms_norm(x, (4,), w, 1e-6), (R(3, 4), R(4))),
    "swiglu": lambda: (
        SwiGLU,
        lambda x, a, b, c: (F.silu(x @ a.T) * (x @ b.T)) @ c.T,
        (R(5, 3), R(4, 3), R(4, 3), R(2, 4)),
    ),
    "rope": lambda: (
        Rope,
        lambda x, c, s: torch.cat([x[..., :3] * c - x[..., 3:] * s, x[..., 3:] * c + x[..., :3] * s], -1),
        (R(4, 6), torch.rand(4, 3), torch.rand(4, 3)),
        [0],
    ),
    "softmax": lambda: (Softmax, lambda x: F.softmax(x, -1), (R(4, 3),)),
    "log_softmax": lambda: (LogSoftmax, lambda x: F.log_softmax(x, -1), (R(4, 3),)),
    "mish": lambda: (Mish, F.mish, (R(4, 3),)),
    "swish": lambda: (Swish, F.silu, (R(4, 3),)),
    "weight_norm": lambda: (WeightNorm, lambda v, g: g * v / v.norm(dim=1, keepdim=True), (R(4, 3), R(4, 1))),
    "group_norm": lambda: (GroupNorm, lambda x, g, b: F.group_norm(x, 2, g, b), (R(2, 4, 2, 2), R(4), R(4))),
}
