"""Operations as small autograd engines write their backward (tinygrad and its like, MIT licence)."""

import torch
import torch.nn.functional as F
from torch.autograd import Function


def unbroadcast(grad, shape):
    while grad.ndim > len(shape):
        grad = grad.sum(0)
    for axis, size in enumerate(shape):
        if size == 1:
            grad = grad.sum(axis, keepdim=True)
    return grad


class Div(Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x / y

    @staticmethod
    def backward(ctx, grad_output):
        x, y = ctx.saved_tensors
        grad_x = grad_output / y
        grad_y = -grad_output * x / (y * y)
        return unbroadcast(grad_x, x.shape), unbroadcast(grad_y, y.shape)


class Pow(Function):
    @staticmethod
    def forward(ctx, x, y):
        out = x**y
        ctx.save_for_backward(x, y, out)
        return out

    @staticmethod
    def backward(ctx, grad_output):
        x, y, out = ctx.saved_tensors
        grad_x = grad_output * y * x ** (y - 1.0)
        grad_y = grad_output * out * torch.log(x)
        return grad_x, unbroadcast(grad_y, y.shape)


class Sqrt(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.ret = x.sqrt()
        return x.sqrt()

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output / (ctx.ret * 2.0)


class Max(Function):
    @staticmethod
    def forward(ctx, x):
        ret = x.amax(1, keepdim=True)
        ctx.save_for_backward(x, ret)
        return ret

    @staticmethod
    def backward(ctx, grad_output):
        x, ret = ctx.saved_tensors
        max_is_1s = (x == ret).to(x.dtype)
        div = max_is_1s.sum(1, keepdim=True)
        return max_is_1s / div * grad_output


class Softplus(Function):
    @staticmethod
    def forward(ctx, x, beta):
        ctx.save_for_backward(x, beta)
        return torch.log(1 + torch.exp(beta * x)) / beta

    @staticmethod
    def backward(ctx, grad_output):
        x, beta = ctx.saved_tensors
        scaled = beta * x
        slope = 1 / (1 + torch.exp(-scaled))
        return grad_output * slope, None


class ELU(Function):
    @staticmethod
    def forward(ctx, x, alpha=0.7):
        y = torch.where(x > 0, x, alpha * (torch.exp(x) - 1))
        ctx.save_for_backward(x, y)
        ctx.alpha = alpha
        return y

    @staticmethod
    def backward(ctx, gy):
        x, y = ctx.saved_tensors
        deriv = torch.where(x > 0, torch.ones_like(x), y + ctx.alpha)
        return gy * deriv, None


class Gelu(Function):
    @staticmethod
    def forward(ctx, x):
        cdf = 0.5 * (1 + torch.erf(x / 2**0.5))
        ctx.save_for_backward(x, cdf)
        return x * cdf

    @staticmethod
    def backward(ctx, dY):
        x, cdf = ctx.saved_tensors
        pdf = torch.exp(-0.5 * x * x) / (2 * torch.pi) ** 0.5
        return dY * (cdf + x * pdf)


class LogSumExp(Function):
    @staticmethod
    def forward(ctx, x):
        m = x.amax(-1, keepdim=True)
        out = m + torch.log(torch.exp(x - m).sum(-1, keepdim=True))
        ctx.save_for_backward(x, out)
        return out.squeeze(-1)

    @staticmethod
    def backward(ctx, g):
        x, out = ctx.saved_tensors
        p = torch.exp(x - out)
        return g.unsqueeze(-1) * p


class CumSum(Function):
    @staticmethod
    def forward(ctx, x):
        return x.cumsum(1)

    @staticmethod
    def backward(ctx, g):
        return g.flip(1).cumsum(1).flip(1)


class CumProd(Function):
    @staticmethod
    def forward(ctx, x):
        y = x.cumprod(1)
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx, gy):
        x, y = ctx.saved_tensors
        gz = gy * y
        total = gz.sum(1, keepdim=True)
        gs = total - gz.cumsum(1) + gz
        gx = gs / x
        return gx


class PReLU(Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return torch.where(x >= 0, x, w * x)

    @staticmethod
    def backward(ctx, gy):
        x, w = ctx.saved_tensors
        masked = gy * (x < 0)
        gx = torch.where(x >= 0, gy, w * gy)
        gw = (masked * x).sum(0)
        return gx, gw


R, U = torch.randn, torch.rand
SUBJECTS = {
    "div": lambda: (Div, torch.div, (R(4, 3), U(3) + 0.5)),
    "pow": lambda: (Pow, torch.pow, (U(4, 3) + 0.5, R(3))),
    "sqrt": lambda: (Sqrt, torch.sqrt, (U(4, 3) + 0.1,)),
    "max": lambda: (Max, lambda x: x.amax(1, keepdim=True), (R(4, 5),)),
    "softplus": lambda: (
        Softplus,
        lambda x, beta: torch.nn.functional.softplus(beta * x, threshold=40) / beta,
        (R(5, 3), torch.tensor(1.7)),
        [0],
    ),
    "elu": lambda: (ELU, lambda x: F.elu(x, 0.7), (R(5, 3),)),
    "erf_gelu": lambda: (Gelu, F.gelu, (R(5, 3),)),
    "logsumexp": lambda: (LogSumExp, lambda x: x.logsumexp(-1), (R(4, 5),)),
    "cumsum": lambda: (CumSum, lambda x: x.cumsum(1), (R(3, 4),)),
    "cumprod": lambda: (CumProd, lambda x: x.cumprod(1), (U(3, 4) + 0.5,)),
    "prelu": lambda: (PReLU, lambda x, w: torch.where(x >= 0, x, w * x), (R(5, 3), U(3))),
}
