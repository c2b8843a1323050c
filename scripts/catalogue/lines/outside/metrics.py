"""Losses as Chainer's functions (MIT licence) and libraries of fused losses write their backward."""

import torch
import torch.nn.functional as F
from torch.autograd import Function


def contrastive_forward(x0, x1, y, margin=2.0):
    diff = x0 - x1
    dist_sq = (diff**2).sum(1)
    dist = dist_sq.sqrt()
    mdist = (margin - dist).clamp(min=0)
    loss = 0.5 * (y * dist_sq + (1 - y) * mdist**2).mean()
    return loss, (diff, dist, mdist, y)


def contrastive_backward(saved, gy):
    diff, dist, mdist, y = saved
    alpha = gy / len(y)
    similar = y[:, None] * diff
    dissimilar = -(1 - y)[:, None] * (mdist / dist)[:, None] * diff
    gx0 = alpha * (similar + dissimilar)
    gx1 = -gx0
    return gx0, gx1, None


def contrastive_reference(x0, x1, y):
    dist = (x0 - x1).norm(dim=1)
    return 0.5 * (y * dist**2 + (1 - y) * F.relu(2.0 - dist) ** 2).mean()


def triplet_forward(anchor, positive, negative, margin=1.0):
    near = ((anchor - positive) ** 2).sum(1)
    far = ((anchor - negative) ** 2).sum(1)
    hinge = (near - far + margin).clamp(min=0)
    return hinge.mean(), (anchor, positive, negative, hinge)


def triplet_backward(saved, gy):
    anchor, positive, negative, hinge = saved
    N = len(hinge)
    alpha = gy * 2 / N * (hinge > 0)[:, None]
    g_anchor = alpha * (negative - positive)
    g_positive = alpha * (positive - anchor)
    g_negative = alpha * (anchor - negative)
    return g_anchor, g_positive, g_negative


def triplet_reference(a, p, n):
    return F.relu(F.pairwise_distance(a, p, eps=0) ** 2 - F.pairwise_distance(a, n, eps=0) ** 2 + 1).mean()


class Huber(Function):
    @staticmethod
    def forward(ctx, x, t, delta=0.8):
        diff = x - t
        small = diff.abs() < delta
        ctx.save_for_backward(diff, small)
        ctx.delta = delta
        return torch.where(small, 0.5 * diff**2, delta * (diff.abs() - 0.5 * delta)).sum(1)

    @staticmethod
    def backward(ctx, gy):
        diff, small = ctx.saved_tensors
        gx = torch.where(small, diff, ctx.delta * diff.sign())
        gx = gy[:, None] * gx
        return gx, -gx, None


class SoftmaxFocal(Function):
    @staticmethod
    def forward(ctx, x, target, gamma=2.0):
        p = torch.softmax(x, 1)
        pt = p.gather(1, target[:, None])
        ctx.save_for_backward(p, pt, target)
        ctx.gamma = gamma
        return -((1 - pt) ** gamma * torch.log(pt)).sum()

    @staticmethod
    def backward(ctx, gy):
        p, pt, target = ctx.saved_tensors
        gamma = ctx.gamma
        onehot = F.one_hot(target, p.shape[1]).to(p.dtype)
        focus = (1 - pt) ** (gamma - 1) * (gamma * pt * torch.log(pt) + pt - 1)
        dx = gy * focus * (onehot - p)
        return dx, None, None


def focal_reference(x, target):
    logp = F.log_softmax(x, 1).gather(1, target[:, None])
    return -((1 - logp.exp()) ** 2 * logp).sum()


class SmoothCrossEntropy(Function):
    """Label smoothing, ignored labels, and a penalty on the logarithm of the denominator."""

    @staticmethod
    def forward(ctx, x, target, smoothing=0.1, z_scale=0.05):
        valid = target != -100
        n = valid.sum()
        lse = x.logsumexp(1)
        label = target.clamp(min=0)
        nll = lse - x.gather(1, label[:, None])[:, 0]
        smooth = lse - x.mean(1)
        loss = (1 - smoothing) * nll + smoothing * smooth + z_scale * lse**2
        ctx.save_for_backward(x, label, valid, lse)
        ctx.smoothing, ctx.z_scale, ctx.n = smoothing, z_scale, n
        return (loss * valid).sum() / n

    @staticmethod
    def backward(ctx, grad_output):
        x, label, valid, lse = ctx.saved_tensors
        V = x.shape[1]
        p = torch.exp(x - lse[:, None])
        eps = ctx.smoothing / V
        dz = 2 * ctx.z_scale * lse[:, None] * p
        dx = p - eps + dz
        dx[torch.arange(len(x)), label] -= 1 - ctx.smoothing
        dx = dx * valid[:, None] / ctx.n
        dx = dx * grad_output
        return dx, None, None, None


def smooth_reference(x, target):
    valid = (target != -100).to(x.dtype)
    penalty = 0.05 * (x.logsumexp(1) ** 2 * valid).sum() / valid.sum()
    return F.cross_entropy(x, target, label_smoothing=0.1) + penalty


def labels():
    return torch.tensor([2, 0, -100, 1, 3, 0])


R = torch.randn
SUBJECTS = {
    "contrastive": lambda: (
        (contrastive_forward, contrastive_backward),
        contrastive_reference,
        (R(6, 3), R(6, 3), (R(6) > 0).double()),
        [0, 1],
    ),
    "triplet": lambda: ((triplet_forward, triplet_backward), triplet_reference, (R(5, 3), R(5, 3), R(5, 3))),
    "huber": lambda: (
        Huber,
        lambda x, t: F.huber_loss(x, t, reduction="none", delta=0.8).sum(1),
        (R(5, 3), R(5, 3)),
    ),
    "soft_focal": lambda: (SoftmaxFocal, focal_reference, (R(5, 4), torch.tensor([0, 3, 1, 1, 2]))),
    "smooth": lambda: (SmoothCrossEntropy, smooth_reference, (R(6, 4), labels())),
}
