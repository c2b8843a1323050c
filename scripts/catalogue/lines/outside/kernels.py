"""Norms, gates and attention as kernel libraries write them (Liger, fla, llm.c), in torch."""

import torch
import torch.nn.functional as F
from torch.autograd import Function


class GemmaRMSNorm(Function):
    """The weight has an offset of one."""

    @staticmethod
    def forward(ctx, x, weight, eps=1e-6):
        r = torch.rsqrt((x * x).mean(-1, keepdim=True) + eps)
        ctx.save_for_backward(x, weight, r)
        return x * r * (1.0 + weight)

    @staticmethod
    def backward(ctx, dy):
        x, weight, r = ctx.saved_tensors
        n = x.shape[-1]
        m = dy * (1.0 + weight)
        dx = r * m
        dx = dx - (r**3 / n) * (m * x).sum(-1, keepdim=True) * x
        dw = (dy * x * r).sum(0)
        return dx, dw, None


class AddRMSNorm(Function):
    """The residual is added first; both the sum and its norm are handed on."""

    @staticmethod
    def forward(ctx, x, residual, weight):
        s = x + residual
        rstd = torch.rsqrt(s.pow(2).mean(-1, keepdim=True) + 1e-6)
        ctx.save_for_backward(s, weight, rstd)
        return s * rstd * weight, s.clone()

    @staticmethod
    def backward(ctx, dout, ds_out):
        s, weight, rstd = ctx.saved_tensors
        x_hat = s * rstd
        dweight = (dout * x_hat).sum(0)
        wdy = dout * weight
        c1 = (wdy * x_hat).mean(-1, keepdim=True)
        ds = (wdy - x_hat * c1) * rstd
        ds = ds + ds_out
        return ds, ds.clone(), dweight


class LayerNormGated(Function):
    """y = (norm(x) w + b) silu(z)."""

    @staticmethod
    def forward(ctx, x, w, b, z):
        mean = x.mean(-1, keepdim=True)
        xc = x - mean
        rstd = torch.rsqrt((xc * xc).mean(-1, keepdim=True) + 1e-5)
        x_hat = xc * rstd
        y_norm = x_hat * w + b
        ctx.save_for_backward(x_hat, rstd, w, z, y_norm)
        return y_norm * z * torch.sigmoid(z)

    @staticmethod
    def backward(ctx, dy):
        x_hat, rstd, w, z, y_norm = ctx.saved_tensors
        z_sig = torch.sigmoid(z)
        dz = dy * y_norm * z_sig * (1 + z * (1 - z_sig))
        dy_norm = dy * z * z_sig
        dw = (dy_norm * x_hat).sum(0)
        db = dy_norm.sum(0)
        wdy = w * dy_norm
        c1 = (x_hat * wdy).mean(-1, keepdim=True)
        c2 = wdy.mean(-1, keepdim=True)
        dx = (wdy - (x_hat * c1 + c2)) * rstd
        return dx, dw, db, dz


class GEGLU(Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        inner = 0.7978845608028654 * (a + 0.044715 * a**3)
        return 0.5 * a * (1 + torch.tanh(inner)) * b

    @staticmethod
    def backward(ctx, dc):
        a, b = ctx.saved_tensors
        tanh_arg = 0.7978845608028654 * (a + 0.044715 * a**3)
        tanh_result = torch.tanh(tanh_arg)
        geglu_a = 0.5 * a * (1 + tanh_result)
        db = dc * geglu_a
        term1 = 0.5 * (1 + tanh_result)
        tanh_sq = tanh_result * tanh_result
        term2 = 0.5 * a * (1 - tanh_sq) * (0.7978845608028654 * (1 + 3 * 0.044715 * a * a))
        da = dc * b * (term1 + term2)
        return da, db


class GroupedAttention(Function):
    """Two heads of queries to each head of keys and values, causal, with a soft cap of the scores."""

    @staticmethod
    def forward(ctx, q, k, v, cap=3.0):
        G = q.shape[1] // k.shape[1]
        kr, vr = k.repeat_interleave(G, 1), v.repeat_interleave(G, 1)
        scale = q.shape[-1] ** -0.5
        t = torch.tanh(q @ kr.transpose(-1, -2) * scale / cap)
        s = cap * t
        causal = torch.ones(s.shape[-2:], dtype=torch.bool).tril()
        p = torch.softmax(s.masked_fill(~causal, float("-inf")), -1)
        ctx.save_for_backward(q, kr, vr, t, p)
        ctx.scale, ctx.G = scale, G
        return p @ vr

    @staticmethod
    def backward(ctx, do):
        q, kr, vr, t, p = ctx.saved_tensors
        B, H, T, D = q.shape
        dvr = p.transpose(-1, -2) @ do
        dp = do @ vr.transpose(-1, -2)
        delta = (dp * p).sum(-1, keepdim=True)
        ds = p * (dp - delta)
        ds = ds * (1 - t * t)
        dq = ds @ kr * ctx.scale
        dkr = ds.transpose(-1, -2) @ q * ctx.scale
        dk = dkr.reshape(B, H // ctx.G, ctx.G, T, D).sum(2)
        dv = dvr.reshape(B, H // ctx.G, ctx.G, T, D).sum(2)
        return dq, dk, dv, None


def grouped_reference(q, k, v):
    k, v = (one.repeat_interleave(2, 1) for one in (k, v))
    scores = 3.0 * torch.tanh(q @ k.mT / q.shape[-1] ** 0.5 / 3.0)
    later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
    return scores.masked_fill(later, float("-inf")).softmax(-1) @ v


def gated_reference(x, w, b, z):
    return F.layer_norm(x, (4,), w, b) * F.silu(z)


def added_reference(x, residual, weight):
    s = x + residual
    return F.rms_norm(s, (4,), weight, 1e-6), s


class GatedScan(Function):
    """h_t = a_t h_{t−1} + b_t, as state space models scan."""

    @staticmethod
    def forward(ctx, a, b):
        h, hs = torch.zeros_like(b[0]), []
        for t in range(len(b)):
            h = a[t] * h + b[t]
            hs.append(h)
        hs = torch.stack(hs)
        ctx.save_for_backward(a, hs)
        return hs

    @staticmethod
    def backward(ctx, dhs):
        a, hs = ctx.saved_tensors
        da, db = torch.zeros_like(a), torch.zeros_like(hs)
        carry = torch.zeros_like(hs[0])
        for t in reversed(range(len(hs))):
            dh = dhs[t] + carry
            db[t] = dh
            if t > 0:
                da[t] = dh * hs[t - 1]
            carry = a[t] * dh
        return da, db


def scan_reference(a, b):
    h, hs = torch.zeros_like(b[0]), []
    for gate, new in zip(a, b):
        h = gate * h + new
        hs.append(h)
    return torch.stack(hs)


R = torch.randn
SUBJECTS = {
    "gemma_norm": lambda: (GemmaRMSNorm, lambda x, w: F.rms_norm(x, (4,), 1 + w, 1e-6), (R(3, 4), R(4))),
    "add_norm": lambda: (AddRMSNorm, added_reference, (R(3, 4), R(3, 4), R(4))),
    "gated_norm": lambda: (LayerNormGated, gated_reference, (R(3, 4), R(4), R(4), R(3, 4))),
    "geglu": lambda: (GEGLU, lambda a, b: F.gelu(a, approximate="tanh") * b, (R(4, 3), R(4, 3))),
    "grouped": lambda: (GroupedAttention, grouped_reference, (R(1, 4, 3, 2), R(1, 2, 3, 2), R(1, 2, 3, 2))),
    "scan": lambda: (GatedScan, scan_reference, (torch.rand(5, 3), R(5, 3))),
}
