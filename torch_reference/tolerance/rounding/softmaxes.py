"""Softmax and what is built on it, taken apart: 16 bits outside and float32 inside.

Good kernels compute it as exp(x − max) / Σ exp(x − max), or keep the logarithm of the sum and compute
exp(x − logarithm), as attention in tiles has to. The second rounds a number of the size of the largest x. So
it is what is moved here, for all of them.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from torch_reference.tolerance.rounding.normalisations import in_dtype, working


def softmax(x: Tensor, dim: int, half_to_float: bool = False) -> Tensor:
    """_softmax."""
    y = log_softmax(working(x), dim).exp()
    return y if half_to_float else in_dtype(y, x.dtype)


def safe_softmax(x: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """_safe_softmax: a row of −∞ is a row of zeros."""
    y = softmax(x if dtype is None else x.to(dtype), dim)
    return y.masked_fill((x == -torch.inf).all(dim, keepdim=True), 0.0)


def softmax_backward(d_out: Tensor, y: Tensor, dim: int, dtype: torch.dtype) -> Tensor:
    """_softmax_backward_data: y · (d_out − Σ d_out · y)."""
    d, y = working(d_out), working(y)
    through_y = d * y
    return in_dtype(through_y - y * through_y.sum(dim, keepdim=True), dtype)


def log_softmax(x: Tensor, dim: int, half_to_float: bool = False) -> Tensor:
    """_log_softmax."""
    wide = working(x)
    largest = wide.amax(dim, keepdim=True)
    log = (wide - largest).exp().sum(dim, keepdim=True).log()
    total = largest + log
    y = wide - total
    # Of a row of −1e9, which is masked altogether, nothing is left of the logarithm: there none is added.
    if bool((is_lost := (total == largest) & (log > torch.finfo(log.dtype).eps)).any()):
        y = torch.where(is_lost, (wide - largest) - log, y)
    return y if half_to_float else in_dtype(y, x.dtype)


def log_softmax_backward(d_out: Tensor, y: Tensor, dim: int, dtype: torch.dtype) -> Tensor:
    """_log_softmax_backward_data: d_out − softmax · Σ d_out."""
    d = working(d_out)
    return in_dtype(d - working(y).exp() * d.sum(dim, keepdim=True), dtype)


def logsumexp(x: Tensor, dim: Any, keepdim: bool = False) -> Any:
    """logsumexp, of numbers that are finite somewhere in each row."""
    if not x.is_floating_point():
        return NotImplemented
    dims = [dim] if isinstance(dim, int) else list(dim)
    wide = working(x)
    largest = wide.amax(dims, keepdim=True)
    if not largest.isfinite().all():
        return NotImplemented
    found = largest + (wide - largest).exp().sum(dims, keepdim=True).log()
    return in_dtype(found if keepdim else found.squeeze(dims), x.dtype)


def logcumsumexp(x: Tensor, dim: int) -> Any:
    """logcumsumexp, of numbers of which none is lost beside the largest."""
    if not x.is_floating_point() or not x.ndim:
        return NotImplemented
    wide = working(x)
    largest = wide.amax(dim, keepdim=True)
    if not bool((wide - largest >= math.log(torch.finfo(wide.dtype).tiny)).all()):
        return NotImplemented
    return (largest + (wide - largest).exp().cumsum(dim).log()).to(x.dtype)


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    attn_mask: Tensor | None = None,
    scale: float | None = None,
) -> tuple[Tensor, Tensor]:
    """Attention in tiles: scores in float32; the weights are handed to the next product in the own dtype."""
    key, value = _for_each_head(query, key), _for_each_head(query, value)
    scores = _scores(query, key, is_causal, attn_mask, scale)
    normaliser = torch.logsumexp(scores, -1)
    weights = (scores - normaliser.unsqueeze(-1)).exp()
    return in_dtype(weights, value.dtype) @ value, normaliser


def attention_backward(
    d_out: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    out: Tensor,
    normaliser: Tensor,
    dropout_p: float,
    is_causal: bool,
    *,
    attn_mask: Tensor | None = None,
    scale: float | None = None,
) -> Sequence[Tensor]:
    """Its three derivatives; those of the scores are handed to the products in the own dtype, too."""
    factor = query.shape[-1] ** -0.5 if scale is None else scale
    heads = key.shape[-3]
    key, value = _for_each_head(query, key), _for_each_head(query, value)
    scores = _scores(query, key, is_causal, attn_mask, scale)
    weights = (scores - normaliser.unsqueeze(-1)).exp()
    d_value = in_dtype(weights, value.dtype).mT @ d_out
    d_weights = working(d_out) @ working(value).mT
    through_rows = (working(d_out) * working(out)).sum(-1, keepdim=True)
    d_scores = in_dtype(weights * (d_weights - through_rows) * factor, query.dtype)
    return d_scores @ key, _by_groups(d_scores.mT @ query, heads), _by_groups(d_value, heads)


def _for_each_head(query: Tensor, shared: Tensor) -> Tensor:
    """A key's or value's heads, each as often as neighbours of the query's share it."""
    times = query.shape[-3] // max(shared.shape[-3], 1)
    return shared if times == 1 else shared.repeat_interleave(times, -3)


def _by_groups(each: Tensor, heads: int) -> Tensor:
    """What the heads that share one add up to."""
    if each.shape[-3] == heads:
        return each
    return each.reshape(*each.shape[:-3], heads, -1, *each.shape[-2:]).sum(-3)


def _scores(
    query: Tensor, key: Tensor, is_causal: bool, attn_mask: Tensor | None, scale: float | None
) -> Tensor:
    factor = query.shape[-1] ** -0.5 if scale is None else scale
    scores = working(query) @ working(key).mT * factor
    if attn_mask is not None:
        allowed = attn_mask.dtype == torch.bool
        scores = scores.masked_fill(~attn_mask, -torch.inf) if allowed else scores + attn_mask
    if is_causal:
        future = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
        scores = scores.masked_fill(future, -torch.inf)
    return scores


def softplus(x: Tensor, beta: float | None = None, threshold: float = 20) -> Tensor:
    """As torch takes it apart; whose own code imports torch.compile for it, which takes seconds."""
    wide = working(x)
    scaled = wide if beta is None else wide * beta
    y = torch.log1p(torch.exp(scaled))
    return torch.where(scaled > threshold, wide, y if beta is None else y / beta).to(x.dtype)
