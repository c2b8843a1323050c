"""Losses and similarities, as libraries write their backward."""

import torch
import torch.nn.functional as F


class LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, target):
        logits = x @ weight.T
        lse = logits.logsumexp(-1)
        n = x.shape[0]
        loss = (lse - logits.gather(1, target[:, None])[:, 0]).sum() / n
        ctx.save_for_backward(x, weight, target, logits, lse)
        return loss

    @staticmethod
    def backward(ctx, grad_loss):
        x, weight, target, logits, lse = ctx.saved_tensors
        n = x.shape[0]
        grad_logits = torch.exp(logits - lse[:, None])
        grad_logits[torch.arange(n), target] -= 1
        grad_logits = grad_logits * grad_loss / n
        grad_x = grad_logits @ weight
        grad_weight = grad_logits.T @ x
        return grad_x, grad_weight, None


class Focal(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, target):
        p = torch.sigmoid(logits)
        pt = torch.where(target > 0.5, p, 1 - p)
        loss = -((1 - pt) ** 2) * torch.log(pt)
        ctx.save_for_backward(p, pt, target)
        return loss.mean()

    @staticmethod
    def backward(ctx, dloss_out):
        p, pt, target = ctx.saved_tensors
        n = p.numel()
        dloss = dloss_out / n
        dpt = dloss * (2 * (1 - pt) * torch.log(pt) - (1 - pt) ** 2 / pt)
        dp = torch.where(target > 0.5, dpt, -dpt)
        dlogits = dp * p * (1 - p)
        return dlogits, None


class CosineSimilarity(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        na = a.norm(dim=1, keepdim=True)
        nb = b.norm(dim=1, keepdim=True)
        cos = (a * b).sum(1, keepdim=True) / (na * nb)
        ctx.save_for_backward(a, b, na, nb, cos)
        return cos[:, 0]

    @staticmethod
    def backward(ctx, g):
        a, b, na, nb, cos = ctx.saved_tensors
        g = g[:, None]
        da = g * (b / (na * nb) - cos * a / na**2)
        db = g * (a / (na * nb) - cos * b / nb**2)
        return da, db


class InfoNCE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, za, zb, tau=0.5):
        sim = za @ zb.T / tau
        p = torch.softmax(sim, 1)
        loss = -torch.log(p.diagonal()).mean()
        ctx.save_for_backward(za, zb, p)
        ctx.tau = tau
        return loss

    @staticmethod
    def backward(ctx, dloss):
        za, zb, p = ctx.saved_tensors
        n = len(za)
        dsim = (p - torch.eye(n, dtype=p.dtype)) / n * dloss
        dza = dsim @ zb / ctx.tau
        dzb = dsim.T @ za / ctx.tau
        return dza, dzb, None


def bce_forward(z, y):
    a = torch.sigmoid(z)
    loss = -(y * a.log() + (1 - y) * (1 - a).log()).mean()
    return loss, (a, y)


def bce_backward(saved, dloss):
    a, y = saved
    da = -dloss * (y / a - (1 - y) / (1 - a)) / a.numel()
    dz = da * a * (1 - a)
    return dz, None


R = torch.randn
SUBJECTS = {
    "linear_cross_entropy": lambda: (
        LinearCrossEntropy,
        lambda x, w, t: F.cross_entropy(x @ w.T, t),
        (R(5, 3), R(4, 3), torch.randint(0, 4, (5,))),
    ),
    "focal": lambda: (
        Focal,
        lambda x, t: (
            -((1 - (p := torch.where(t > 0.5, x.sigmoid(), 1 - x.sigmoid()))) ** 2) * p.log()
        ).mean(),
        (R(5, 3), (R(5, 3) > 0).double()),
        [0],
    ),
    "cosine": lambda: (CosineSimilarity, F.cosine_similarity, (R(5, 3), R(5, 3))),
    "info_nce": lambda: (
        InfoNCE,
        lambda a, b: F.cross_entropy(a @ b.T / 0.5, torch.arange(len(a))),
        (R(5, 3), R(5, 3)),
    ),
    "bce": lambda: (
        (bce_forward, bce_backward),
        F.binary_cross_entropy_with_logits,
        (R(6), (R(6) > 0).double()),
        [0],
    ),
}
