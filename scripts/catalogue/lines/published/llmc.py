"""Layers after llm.c, in Python: plain loops, or the same vectorised."""

import math

import torch
import torch.nn.functional as F


class LayerNorm:
    @staticmethod
    def forward(x, w, b):
        eps = 1e-5
        B, T, C = x.size()
        mean = x.sum(-1, keepdim=True) / C
        xshift = x - mean
        var = (xshift**2).sum(-1, keepdim=True) / C
        rstd = (var + eps) ** -0.5
        norm = xshift * rstd
        out = norm * w + b
        cache = (x, w, mean, rstd)
        return out, cache

    @staticmethod
    def backward(cache, dout):
        x, w, mean, rstd = cache
        norm = (x - mean) * rstd
        db = dout.sum((0, 1))
        dw = (dout * norm).sum((0, 1))
        dnorm = dout * w
        dx = dnorm - dnorm.mean(-1, keepdim=True) - norm * (dnorm * norm).mean(-1, keepdim=True)
        dx *= rstd
        return dx, dw, db


def encoder_forward(inp, wte, wpe):
    B, T = inp.shape
    out = torch.zeros((B, T, wte.shape[1]), dtype=wte.dtype)
    for b in range(B):
        for t in range(T):
            out[b, t] = wte[inp[b, t]] + wpe[t]
    return out, (inp, wte, wpe)


def encoder_backward(saved, dout):
    inp, wte, wpe = saved
    B, T, C = dout.shape
    dwte, dwpe = torch.zeros_like(wte), torch.zeros_like(wpe)
    for b in range(B):
        for t in range(T):
            d = dout[b, t]
            dwte[inp[b, t]] += d
            dwpe[t] += d
    return None, dwte, dwpe


GELU_SCALING_FACTOR = math.sqrt(2.0 / math.pi)


class Gelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        cube = 0.044715 * x * x * x
        ctx.save_for_backward(x)
        return 0.5 * x * (1.0 + torch.tanh(GELU_SCALING_FACTOR * (x + cube)))

    @staticmethod
    def backward(ctx, dout):
        (x,) = ctx.saved_tensors
        cube = 0.044715 * x * x * x
        tanh_arg = GELU_SCALING_FACTOR * (x + cube)
        tanh_out = torch.tanh(tanh_arg)
        coshf_out = torch.cosh(tanh_arg)
        sech_out = 1.0 / (coshf_out * coshf_out)
        local_grad = 0.5 * (1.0 + tanh_out) + x * 0.5 * sech_out * GELU_SCALING_FACTOR * (
            1.0 + 3.0 * 0.044715 * x * x
        )
        dx = local_grad * dout
        return dx


class SoftmaxCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, targets):
        maxval = logits.max(-1, keepdim=True).values
        e = torch.exp(logits - maxval)
        probs = e / e.sum(-1, keepdim=True)
        losses = -torch.log(probs[torch.arange(len(targets)), targets])
        ctx.save_for_backward(probs, targets)
        return losses

    @staticmethod
    def backward(ctx, dlosses):
        probs, targets = ctx.saved_tensors
        indicator = F.one_hot(targets, probs.shape[1])
        dlogits = (probs - indicator) * dlosses[:, None]
        return dlogits, None


def matmul_forward(x, weight, bias):
    out = x @ weight.t() + bias
    return out, (x, weight)


def matmul_backward(saved, dout):
    x, weight = saved
    dinp = dout @ weight
    dweight = dout.flatten(0, 1).t() @ x.flatten(0, 1)
    dbias = dout.sum((0, 1))
    return dinp, dweight, dbias


R = torch.randn
SUBJECTS = {
    "llmc_layernorm": lambda: (
        (LayerNorm.forward, LayerNorm.backward),
        lambda x, w, b: F.layer_norm(x, (4,), w, b),
        (R(2, 3, 4), R(4), R(4)),
    ),
    "encoder": lambda: (
        (encoder_forward, encoder_backward),
        lambda i, a, b: a[i] + b[: i.shape[1]],
        (torch.randint(0, 5, (3, 4)), R(5, 3), R(4, 3)),
    ),
    "gelu": lambda: (Gelu, lambda x: F.gelu(x, approximate="tanh"), (R(4, 3),)),
    "cross_entropy": lambda: (
        SoftmaxCrossEntropy,
        lambda x, t: F.cross_entropy(x, t, reduction="none"),
        (R(5, 4), torch.randint(0, 4, (5,))),
    ),
    "matmul": lambda: (
        (matmul_forward, matmul_backward),
        lambda x, w, b: F.linear(x, w, b),
        (R(2, 3, 4), R(5, 4), R(5)),
    ),
}
