"""Functions as kernels are written: 16 bits outside and float32 inside; right, and with mistakes planted.

Each has a plain torch reference and a derivation by hand in float32, which is converted once at its end.
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

Gradients = dict[int, Tensor]
"""By the position of the input."""
EPSILON = 1e-5


class Kernel(NamedTuple):
    """A function: its inputs for a size and a scale, its reference, its derivation by hand in float32.

    dropped are other derivations, which lack a term; each by its name.
    """

    inputs: Callable[[int, int, float], tuple[Tensor, ...]]
    reference: Callable[..., Tensor]
    by_hand: Callable[..., Gradients]
    dropped: Mapping[str, Callable[..., Gradients]] = {}


def _rows(rows: int, columns: int, scale: float) -> tuple[Tensor, ...]:
    return (scale * torch.randn(rows, columns),)


def _rows_and_gain(rows: int, columns: int, scale: float) -> tuple[Tensor, ...]:
    return scale * torch.randn(rows, columns), 1 + 0.1 * torch.randn(columns)


def _two(rows: int, columns: int, scale: float) -> tuple[Tensor, ...]:
    return scale * torch.randn(rows, columns), torch.randn(rows, columns)


def _layer_norm(g: Tensor, x: Tensor, gain: Tensor, mean: bool = True, variance: bool = True) -> Gradients:
    centred = x - x.mean(1, keepdim=True)
    scale = (centred.square().mean(1, keepdim=True) + EPSILON).rsqrt()
    h, d = centred * scale, g * gain
    d_x = d - mean * d.mean(1, keepdim=True) - variance * h * (d * h).mean(1, keepdim=True)
    return {0: d_x * scale, 1: (g * h).sum(0)}


def _rms_norm(g: Tensor, x: Tensor, gain: Tensor, path: bool = True) -> Gradients:
    scale = (x.square().mean(1, keepdim=True) + EPSILON).rsqrt()
    h, d = x * scale, g * gain
    return {0: scale * (d - path * h * (d * h).mean(1, keepdim=True)), 1: (g * h).sum(0)}


def _residual_norm(g: Tensor, x: Tensor, residual: Tensor) -> Gradients:
    d_sum = _rms_norm(g, x + residual, torch.ones(x.shape[1]))[0]
    return {0: d_sum, 1: d_sum.clone()}


def _softmax(g: Tensor, x: Tensor, row: bool = True) -> Gradients:
    y = torch.softmax(x, 1)
    return {0: y * (g - row * (g * y).sum(1, keepdim=True))}


def _log_softmax(g: Tensor, x: Tensor) -> Gradients:
    return {0: g - torch.softmax(x, 1) * g.sum(1, keepdim=True)}


def _silu_slope(x: Tensor) -> Tensor:
    s = torch.sigmoid(x)
    return s * (1 + x * (1 - s))


def _swiglu(g: Tensor, gate: Tensor, up: Tensor) -> Gradients:
    return {0: g * up * _silu_slope(gate), 1: g * gate * torch.sigmoid(gate)}


def _gelu(g: Tensor, x: Tensor, density: bool = True) -> Gradients:
    normal = torch.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    return {0: g * (torch.special.ndtr(x) + density * x * normal)}


def _turned(x: Tensor, sign: float = 1.0) -> Tensor:
    half = x.shape[1] // 2
    angle = torch.arange(x.shape[0]).unsqueeze(1) / 10000 ** (torch.arange(half) / half)
    cos, sin = angle.cos().to(x), sign * angle.sin().to(x)
    a, b = x[:, :half], x[:, half:]
    return torch.cat((a * cos - b * sin, a * sin + b * cos), 1)


def _linear_inputs(rows: int, columns: int, scale: float) -> tuple[Tensor, ...]:
    width = min(columns, 256)
    return scale * torch.randn(rows, columns), torch.randn(width, columns) / columns**0.5, torch.randn(width)


def _linear(g: Tensor, x: Tensor, weight: Tensor, _bias: Tensor) -> Gradients:
    return {0: g @ weight, 1: g.T @ x, 2: g.sum(0)}


def _attention_inputs(rows: int, columns: int, scale: float) -> tuple[Tensor, ...]:
    width = min(columns, 64)
    return tuple(min(scale, 3.0) * torch.randn(1, 1, rows, width) for _ in range(3))


def _attention(g: Tensor, q: Tensor, k: Tensor, v: Tensor, row: bool = True) -> Gradients:
    factor = q.shape[-1] ** -0.5
    future = torch.ones(q.shape[-2], q.shape[-2], dtype=torch.bool).triu(1)
    p = torch.softmax((q @ k.mT * factor).masked_fill(future, -torch.inf), -1)
    d_p = g @ v.mT
    d_s = p * (d_p - row * (d_p * p).sum(-1, keepdim=True)) * factor
    return {0: d_s @ k, 1: d_s.mT @ q, 2: p.mT @ g}


def _attended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return functional.scaled_dot_product_attention(q, k, v, is_causal=True)


def _table(rows: int, columns: int, scale: float) -> tuple[Tensor, ...]:
    words = torch.arange(1, 51, dtype=torch.float64)
    ids = torch.multinomial(1 / words, rows, replacement=True)
    return scale * torch.randn(50, columns), ids


def _embedding(g: Tensor, table: Tensor, ids: Tensor) -> Gradients:
    return {0: torch.zeros_like(table).index_add(0, ids, g)}


def _classes(rows: int, columns: int, scale: float) -> tuple[Tensor, ...]:
    return scale * torch.randn(rows, columns), torch.randint(columns, (rows,))


def _cross_entropy(g: Tensor, x: Tensor, classes: Tensor) -> Gradients:
    return {0: g * (torch.softmax(x, 1) - functional.one_hot(classes, x.shape[1])) / len(x)}


KERNELS = {
    "layer norm": Kernel(
        _rows_and_gain,
        lambda x, gain: functional.layer_norm(x, (x.shape[1],), gain, eps=EPSILON),
        _layer_norm,
        {
            "the mean's path": lambda g, x, gain: _layer_norm(g, x, gain, mean=False),
            "the variance's path": lambda g, x, gain: _layer_norm(g, x, gain, variance=False),
        },
    ),
    "RMS norm": Kernel(
        _rows_and_gain,
        lambda x, gain: functional.rms_norm(x, (x.shape[1],), gain, eps=EPSILON),
        _rms_norm,
        {"the path of the mean square": lambda g, x, gain: _rms_norm(g, x, gain, path=False)},
    ),
    "residual with norm": Kernel(
        _two,
        lambda x, r: functional.rms_norm(x.float() + r.float(), (x.shape[1],), eps=EPSILON).to(x.dtype),
        _residual_norm,
    ),
    "softmax": Kernel(
        _rows,
        lambda x: torch.softmax(x, 1),
        _softmax,
        {"the sum over the row": lambda g, x: _softmax(g, x, row=False)},
    ),
    "log softmax": Kernel(_rows, lambda x: torch.log_softmax(x, 1), _log_softmax),
    "cross-entropy": Kernel(_classes, functional.cross_entropy, _cross_entropy),
    "SwiGLU": Kernel(_two, lambda gate, up: functional.silu(gate) * up, _swiglu),
    "SiLU": Kernel(_rows, functional.silu, lambda g, x: {0: g * _silu_slope(x)}),
    "GELU": Kernel(_rows, functional.gelu, _gelu, {"the density": lambda g, x: _gelu(g, x, density=False)}),
    "rotary embedding": Kernel(_rows, _turned, lambda g, x: {0: _turned(g, -1.0)}),
    "linear with bias": Kernel(_linear_inputs, functional.linear, _linear),
    "causal attention": Kernel(
        _attention_inputs,
        _attended,
        _attention,
        {"the sum over the row": lambda g, q, k, v: _attention(g, q, k, v, row=False)},
    ),
    "embedding": Kernel(_table, lambda table, ids: functional.embedding(ids, table), _embedding),
}
