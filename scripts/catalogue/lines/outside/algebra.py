"""Linear algebra, after the notes of Giles and Murray, and bilinear maps."""

import torch
from torch.autograd import Function


class Solve(Function):
    """A⁻¹ B."""

    @staticmethod
    def forward(ctx, A, B):
        X = torch.linalg.solve(A, B)
        ctx.save_for_backward(A, X)
        return X

    @staticmethod
    def backward(ctx, gX):
        A, X = ctx.saved_tensors
        gB = torch.linalg.solve(A.T, gX)
        gA = -gB @ X.T
        return gA, gB


class Cholesky(Function):
    """Lower factor; the gradient is symmetric, as torch's."""

    @staticmethod
    def forward(ctx, A):
        L = torch.linalg.cholesky(A)
        ctx.save_for_backward(L)
        return L

    @staticmethod
    def backward(ctx, gL):
        (L,) = ctx.saved_tensors
        phi = (L.T @ gL).tril()
        phi = phi - 0.5 * torch.diag(phi.diagonal())
        L_inv = torch.linalg.inv(L)
        gA = L_inv.T @ phi @ L_inv
        gA = 0.5 * (gA + gA.T)
        return gA


class Bilinear(Function):
    @staticmethod
    def forward(ctx, x, W, y):
        ctx.save_for_backward(x, W, y)
        return torch.einsum("ni,kij,nj->nk", x, W, y)

    @staticmethod
    def backward(ctx, g):
        x, W, y = ctx.saved_tensors
        gx = torch.einsum("nk,kij,nj->ni", g, W, y)
        gW = torch.einsum("nk,ni,nj->kij", g, x, y)
        gy = torch.einsum("nk,kij,ni->nj", g, W, x)
        return gx, gW, gy


class Mahalanobis(Function):
    """(x − m) S (x − m)ᵀ of each row, for any square S."""

    @staticmethod
    def forward(ctx, x, m, S):
        d = x - m
        ctx.save_for_backward(d, S)
        return ((d @ S) * d).sum(1)

    @staticmethod
    def backward(ctx, g):
        d, S = ctx.saved_tensors
        gd = g[:, None] * (d @ (S + S.T))
        gm = -gd.sum(0)
        gS = d.T @ (g[:, None] * d)
        return gd, gm, gS


class LogDet(Function):
    @staticmethod
    def forward(ctx, A):
        ctx.save_for_backward(A)
        return torch.linalg.slogdet(A)[1]

    @staticmethod
    def backward(ctx, g):
        (A,) = ctx.saved_tensors
        return g * torch.linalg.inv(A).T


def positive(n):
    half = torch.randn(n, n)
    return half @ half.T + n * torch.eye(n)


R = torch.randn
SUBJECTS = {
    "solve": lambda: (Solve, torch.linalg.solve, (R(3, 3) + 3 * torch.eye(3), R(3, 2))),
    "cholesky": lambda: (Cholesky, torch.linalg.cholesky, (positive(4),)),
    "bilinear": lambda: (
        Bilinear,
        lambda x, W, y: torch.nn.functional.bilinear(x, y, W),
        (R(4, 2), R(3, 2, 5), R(4, 5)),
    ),
    "mahalanobis": lambda: (
        Mahalanobis,
        lambda x, m, S: torch.einsum("ni,ij,nj->n", x - m, S, x - m),
        (R(4, 3), R(3), R(3, 3)),
    ),
    "logdet": lambda: (LogDet, torch.logdet, (positive(3),)),
}
