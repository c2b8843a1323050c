"""Fused operations, taken apart in the dtype in which they work inside.

A layer norm in bfloat16 reads 16 bits, works in float32 and rounds once at its end. PyTorch's own
decompositions say so, conversions included; here are those that it does not have, or has otherwise.
"""

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._decomp import decomposition_table

from torch_reference.tolerance.rounding import normalisations, softmaxes
from torch_reference.tolerance.rounding.further_sums import grouped_products
from torch_reference.tolerance.rounding.normalisations import working

DECIDING = {
    "elu_backward",
    "hardsigmoid_backward",
    "hardswish_backward",
    "hardtanh_backward",
    "huber_loss",
    "huber_loss_backward",
    "leaky_relu_backward",
    "log_sigmoid_backward",
    "log_sigmoid_forward",
    "logit",
    "sinc",
    "smooth_l1_loss",
    "smooth_l1_loss_backward",
    "softplus",
    "softplus_backward",
    "threshold_backward",
}
"""Fused operations with a decision inside: taken apart in the exact run, too, so that it is known."""

WITH_ROUNDINGS_INSIDE = {
    "_fused_rms_norm",
    "_fused_rms_norm_backward",
    "_native_batch_norm_legit",
    "_native_batch_norm_legit_no_training",
    "batch_norm_backward",
    "binary_cross_entropy",
    "binary_cross_entropy_backward",
    "binary_cross_entropy_with_logits",
    "gelu",
    "gelu_backward",
    "glu",
    "glu_backward",
    "mish",
    "mish_backward",
    *("mse_loss", "mse_loss_backward"),
    "native_batch_norm",
    "native_batch_norm_backward",
    *("nll_loss2d_backward", "nll_loss2d_forward", "nll_loss_backward", "nll_loss_forward"),
    "sigmoid_backward",
    *("silu", "silu_backward"),
    *("soft_margin_loss", "soft_margin_loss_backward"),
    "tanh_backward",
}
"""Fused operations that round, sum or cancel inside, and decide nothing."""


def taken_apart(func: Any) -> Callable[..., Any] | None:
    """How to compute an operation from simpler ones; None where it is simple enough.

    What it returns may be NotImplemented: then it is simple enough with these arguments.
    """
    name = func.overloadpacket.__name__
    if name in OWN:
        return OWN[name]
    if name in DECIDING or name in WITH_ROUNDINGS_INSIDE:
        found = decomposition_table.get(func)
        if found is not None:
            return _without_conversions(found)
    # Inside of an operation that is taken apart, those that torch itself puts together arrive as they are.
    return func.decompose if _can_decompose(func) else None


def _without_conversions(found: Callable[..., Any]) -> Callable[..., Any]:
    """The same; of arguments that are not converted to work with, without a look at each, for 40 µs."""
    inside = inspect.unwrap(found)

    def apart(*args: Any, **kwargs: Any) -> Any:
        dtypes = {arg.dtype for arg in args if isinstance(arg, Tensor)}
        is_plain = not kwargs and (dtypes == {torch.float64} or dtypes == {torch.float32})
        return inside(*args) if is_plain else found(*args, **kwargs)

    return apart


def _can_decompose(func: Any) -> bool:
    """Whether torch can; of the sizes of a nested tensor it asks what it has not, and an error ends all."""
    try:
        return bool(func._can_decompose())
    except RuntimeError:
        return False


def decides(name: str) -> bool:
    """Whether an operation hides a decision inside, or is none that float64 has."""
    return name in DECIDING or name == "_grouped_mm"


def has_elements(args: Sequence[Any]) -> bool:
    """Whether an operation may be taken apart with these arguments, in every run or in none.

    Of an empty tensor there is nothing to move, and the decompositions divide by its size. Statistics that
    were not kept are empty, too.
    """
    return not any(isinstance(arg, Tensor) and arg.numel() == 0 for arg in args[:2])


def _norm(
    x: Tensor, order: float | None = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Any:
    order = 2 if order is None else order
    if not 0 < order < math.inf:
        return NotImplemented
    own = x if dtype is None else x.to(dtype)
    dims = list(range(x.ndim)) if dim is None else dim
    total = (working(own).abs() ** order).sum(dims, keepdim=keepdim)
    return (total ** (1 / order)).to(own.abs().dtype)  # real, also of complex ones


def _dist(x: Tensor, y: Tensor, order: float = 2) -> Any:
    return _norm(x - y, order)


def _cdist_backward(upstream: Tensor, one: Tensor, other: Tensor, p: float, distance: Tensor) -> Any:
    """_cdist_backward, by the first of the two; for p = 1 and p = 2."""
    if p not in (1.0, 2.0):
        return NotImplemented
    difference = one.unsqueeze(-2) - other.unsqueeze(-3)
    if p == 1:
        slope = difference.sign()
    else:
        slope = torch.where(distance.unsqueeze(-1) == 0, 0.0, difference / distance.unsqueeze(-1))
    return (upstream.unsqueeze(-1) * slope).sum(-2)


def _euclidean_dist(one: Tensor, other: Tensor) -> Tensor:
    """As torch.cdist has it of more than 25 rows: by the squares and the product, which cancel."""
    squares = (one * one).sum(-1).unsqueeze(-1) + (other * other).sum(-1).unsqueeze(-2)
    return (squares - 2 * (one @ other.mT)).clamp(min=0).sqrt()


def _addcmul(x: Tensor, one: Tensor, other: Tensor, *, value: Any = 1) -> Tensor:
    """In the precision of its tensors, in which people write it out; so are the next two."""
    return x + (one * other if value == 1 else value * (one * other))


def _addcdiv(x: Tensor, one: Tensor, other: Tensor, *, value: Any = 1) -> Tensor:
    return x + (one / other if value == 1 else value * (one / other))


def _lerp(x: Tensor, end: Tensor, weight: Any) -> Tensor:
    return x + weight * (end - x)


OWN: dict[str, Callable[..., Any]] = {
    "_cdist_backward": _cdist_backward,
    "_euclidean_dist": _euclidean_dist,
    "_grouped_mm": grouped_products,
    "_log_softmax": softmaxes.log_softmax,
    "_log_softmax_backward_data": softmaxes.log_softmax_backward,
    "_safe_softmax": softmaxes.safe_softmax,
    "_scaled_dot_product_flash_attention_for_cpu": softmaxes.attention,
    "_scaled_dot_product_flash_attention_for_cpu_backward": softmaxes.attention_backward,
    "_softmax": softmaxes.softmax,
    "_softmax_backward_data": softmaxes.softmax_backward,
    "_weight_norm_interface": normalisations.weight_norm,
    "_weight_norm_interface_backward": normalisations.weight_norm_backward,
    "addcdiv": _addcdiv,
    "addcmul": _addcmul,
    "dist": _dist,
    "lerp": _lerp,
    "linalg_vector_norm": _norm,
    "logcumsumexp": softmaxes.logcumsumexp,
    "logsumexp": softmaxes.logsumexp,
    "native_group_norm": normalisations.group_norm,
    "native_group_norm_backward": normalisations.group_norm_backward,
    "native_layer_norm": normalisations.layer_norm,
    "native_layer_norm_backward": normalisations.layer_norm_backward,
    "norm": _norm,
    "softplus": softmaxes.softplus,
    "std": normalisations.deviation,
    "std_mean": normalisations.deviation_and_mean,
    "var": normalisations.variance,
    "var_mean": normalisations.variance_and_mean,
}
