"""Divergences of distributions, and the overlap of masks."""

import torch
import torch.nn.functional as F
from torch.autograd import Function


class JSD(Function):
    """The generalised divergence of Jensen and Shannon, of two tensors of logarithms."""

    @staticmethod
    def forward(ctx, X, Y, beta=0.3):
        Q, P = X.exp(), Y.exp()
        M = beta * P + (1 - beta) * Q
        log_M = M.log()
        loss = beta * P * (Y - log_M) + (1 - beta) * Q * (X - log_M)
        ctx.save_for_backward(X, Y, log_M)
        ctx.beta = beta
        return loss.sum() / len(X)

    @staticmethod
    def backward(ctx, g):
        X, Y, log_M = ctx.saved_tensors
        Q, P = X.exp(), Y.exp()
        n = len(X)
        dX = (1 - ctx.beta) * Q * (X - log_M) / n * g
        dY = ctx.beta * P * (Y - log_M) / n * g
        return dX, dY, None


def jsd_reference(X, Y):
    M = 0.3 * Y.exp() + 0.7 * X.exp()
    return (0.3 * Y.exp() * (Y - M.log()) + 0.7 * X.exp() * (X - M.log())).sum() / len(X)


class Distillation(Function):
    """KL divergence from a teacher at a temperature, times its square."""

    @staticmethod
    def forward(ctx, student, teacher, T=2.0):
        q = torch.softmax(student / T, -1)
        p = torch.softmax(teacher / T, -1)
        ctx.save_for_backward(q, p)
        ctx.T = T
        return T**2 * (p * (p.log() - q.log())).sum(-1).mean()

    @staticmethod
    def backward(ctx, grad):
        q, p = ctx.saved_tensors
        d_scaled = ctx.T**2 * (q - p) / len(q)
        d_student = grad * d_scaled / ctx.T
        return d_student, None, None


def distil_reference(s, t):
    loss = F.kl_div(F.log_softmax(s / 2, -1), F.softmax(t / 2, -1), reduction="batchmean")
    return 4 * loss


class Dice(Function):
    @staticmethod
    def forward(ctx, logits, y):
        s = torch.sigmoid(logits)
        inter = (s * y).sum(1)
        union = s.sum(1) + y.sum(1) + 1.0
        ctx.save_for_backward(s, y, inter, union)
        return (1 - 2 * inter / union).mean()

    @staticmethod
    def backward(ctx, g):
        s, y, inter, union = ctx.saved_tensors
        d_inter = -2 / union * g / len(s)
        d_union = 2 * inter / union**2 * g / len(s)
        ds = d_inter[:, None] * y + d_union[:, None]
        dlogits = ds * s * (1 - s)
        return dlogits, None


def dice_reference(x, y):
    s = x.sigmoid()
    return (1 - 2 * (s * y).sum(1) / (s.sum(1) + y.sum(1) + 1)).mean()


R = torch.randn
SUBJECTS = {
    "jsd": lambda: (JSD, jsd_reference, (R(4, 3).log_softmax(1), R(4, 3).log_softmax(1))),
    "distil": lambda: (Distillation, distil_reference, (R(4, 3), R(4, 3)), [0]),
    "dice": lambda: (Dice, dice_reference, (R(4, 5), (R(4, 5) > 0).double()), [0]),
}
