"""Further links of random functions: masks, indices, complex numbers inside, statistics of a batch, ...

Each is a function of x, and perhaps of another tensor, with its derivative by hand, of g, x and what else.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

HALF = (torch.bfloat16, torch.float16)
Link = tuple[Callable[..., Tensor], Callable[..., Any]]
"""(y of x and what else it takes; the gradients of these, of the upstream gradient g, x and what else)."""


def finely(x: Tensor) -> Tensor:
    """In float32 what is in 16 bits, of which there are no complex numbers."""
    return x.float() if x.dtype in HALF else x


def _causal(x: Tensor) -> Tensor:
    """Row i sees the columns up to i."""
    return torch.softmax(x.masked_fill(torch.ones_like(x, dtype=torch.bool).triu(1), -torch.inf), -1)


def _causal_slope(g: Tensor, x: Tensor) -> Tensor:
    y = _causal(x)
    return y * (g - (g * y).sum(-1, keepdim=True))


def _halves(count: int) -> Tensor:
    """Each index twice."""
    return torch.arange(count) // 2


def _top(x: Tensor) -> Tensor:
    return x.topk(min(2, x.shape[-1]), -1).values


def _top_slope(g: Tensor, x: Tensor) -> Tensor:
    return torch.zeros_like(x).scatter(-1, x.topk(g.shape[-1], -1).indices, g)


def _largest_so_far_slope(g: Tensor, x: Tensor) -> Tensor:
    return torch.zeros_like(x).scatter_add(-1, x.cummax(-1).indices, g)


def _soft_largest_so_far_slope(g: Tensor, x: Tensor) -> Tensor:
    later = torch.ones_like(x[0]).diag_embed().cumsum(-1)  # row i is 1 from column i on
    apart = x.unsqueeze(-1) - x.logcumsumexp(-1).unsqueeze(-2)
    return (apart.masked_fill(later == 0, -torch.inf).exp() * g.unsqueeze(-2)).sum(-1)


def _guarded(x: Tensor) -> Tensor:
    return torch.where(x > 0.25, torch.where(x > 0.25, x, 1.0).log(), 2 * x)


def _guarded_slope(g: Tensor, x: Tensor) -> Tensor:
    return torch.where(x > 0.25, g / torch.where(x > 0.25, x, 1.0), 2 * g)


def _of_batch(x: Tensor) -> Tensor:
    centred = x - x.mean(0)
    return centred / (centred.square().mean(0) + 1e-2).sqrt()


def _of_batch_slope(g: Tensor, x: Tensor) -> Tensor:
    size, h = (x.var(0, correction=0) + 1e-2).sqrt(), _of_batch(x)
    return (g - g.mean(0) - h * (g * h).mean(0)) / size


def _updated(x: Tensor) -> Tensor:
    y = x.clone()
    y[:, 0] *= x[:, -1]
    y[1:] += 1
    return y


def _updated_slope(g: Tensor, x: Tensor) -> Tensor:
    d = g.clone()
    d[:, 0] = g[:, 0] * x[:, -1]
    d[:, -1] += g[:, 0] * x[:, 0]
    return d


def _pairs(x: Tensor) -> Tensor:
    return torch.tanh(x.unsqueeze(-1) - x.unsqueeze(-2)).sum(-1)


def _pairs_slope(g: Tensor, x: Tensor) -> Tensor:
    slope = torch.cosh(x.unsqueeze(-1) - x.unsqueeze(-2)) ** -2
    return (slope * (g.unsqueeze(-1) - g.unsqueeze(-2))).sum(-1)


def _wave(x: Tensor) -> Tensor:
    return (torch.exp(1j * finely(x)) * (1 + 2j)).real.to(x.dtype)


def _power(x: Tensor) -> Tensor:
    return torch.fft.fft(finely(x)).abs().square().to(x.dtype)


def _power_slope(g: Tensor, x: Tensor) -> Tensor:
    return 2 * x.shape[-1] * torch.fft.ifft(g * torch.fft.fft(x)).real


def _form_slope(g: Tensor, x: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    return g * (x @ (w + w.mT)).conj(), torch.einsum("iz,ij,ik->jk", g, x.conj(), x.conj())


def _attention(x: Tensor, w: Tensor) -> Tensor:
    return _causal(x @ w.mT) @ w


def _attention_slope(g: Tensor, x: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    weights = _causal(x @ w.mT)
    d_scores = _causal_slope(g @ w.mT, x @ w.mT)
    return d_scores @ w, d_scores.mT @ x + weights.mT @ g


def _looked_up_slope(g: Tensor, x: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    return g, torch.zeros_like(w).index_add(0, torch.arange(len(x)) % 2, g)


HOLOMORPHIC: dict[str, Link] = {
    "gather": (
        lambda x: x[:, _halves(x.shape[-1])],
        lambda g, x: torch.zeros_like(x).index_add(-1, _halves(x.shape[-1]), g),
    ),
    "scatter": (
        lambda x: torch.zeros_like(x).index_add(0, _halves(len(x)), x),
        lambda g, x: g[_halves(len(x))],
    ),
    "update": (_updated, lambda g, x: _updated_slope(g, x.conj())),
}
REAL: dict[str, Link] = {
    "causal": (_causal, _causal_slope),
    "top": (_top, _top_slope),
    "largest so far": (lambda x: x.cummax(-1).values, _largest_so_far_slope),
    "soft largest so far": (lambda x: x.logcumsumexp(-1), _soft_largest_so_far_slope),
    "guard": (_guarded, _guarded_slope),
    "batch": (_of_batch, _of_batch_slope),
    "pairs": (_pairs, _pairs_slope),
    "wave": (_wave, lambda g, x: g * (-torch.sin(x) - 2 * torch.cos(x))),
    "power": (_power, _power_slope),
}
WITH_ANOTHER: dict[str, tuple[Link, Callable[[int, int], tuple[int, ...]]]] = {
    "form": ((lambda x, w: torch.einsum("ij,jk,ik->i", x, w, x)[:, None], _form_slope), lambda n, m: (m, m)),
    "look up": ((lambda x, w: x + w[torch.arange(len(x)) % 2], _looked_up_slope), lambda n, m: (2, m)),
}
REAL_WITH_ANOTHER = {"attention": ((_attention, _attention_slope), lambda n, m: (n, m))}
"""And the shape of what else it takes, of n rows and m columns."""
