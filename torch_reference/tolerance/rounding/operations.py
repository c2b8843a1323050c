"""What is known of each operation of torch: whether it rounds, whether it sums, and how to take it apart.

An operation that only moves, picks or compares numbers rounds nothing. One that decides (a comparison, an
index, a sign, a floor) is held as it was decided in the exact run. Everything else rounds its result once, a
sum rounds on the way too (local_sums.py), and what is fused is taken apart first (fused.py).
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from torch import Tensor

from torch_reference.tolerance.rounding.fused import decides, taken_apart

PIECEWISE_CONSTANT = {"sign", "sgn", "floor", "ceil", "round", "trunc", "heaviside", "histc"}
"""The operations on floating-point numbers that decide; those that return integers or truth values do too."""

EXACT = frozenset(
    """
    _conj _neg_view _reshape_alias _sparse_coo_tensor_with_dims_and_tensors _to_dense _to_sparse
    _to_sparse_bsc _to_sparse_bsr _to_sparse_csc _to_sparse_csr sparse_compressed_tensor sparse_mask
    _unsafe_index _unsafe_view _upsample_nearest_exact1d
    _upsample_nearest_exact2d _upsample_nearest_exact3d abs adaptive_max_pool2d
    adaptive_max_pool3d alias amax amin aminmax arange bernoulli cat chunk clamp clamp_max clamp_min clone
    complex conj_physical constant_pad_nd contiguous copy copysign cummax cummin detach diag_embed
    diagonal_backward embedding empty empty_like empty_strided eye fill flip fmax fmin frexp full full_like
    gather hardtanh hardtanh_backward im2col imag index index_copy index_fill index_select item kthvalue
    lift lift_fresh lift_fresh_copy masked_fill masked_scatter masked_select max max_pool2d_with_indices
    max_pool3d_with_indices maximum median min minimum mode nan_to_num nanmedian narrow_copy neg new_empty
    new_empty_strided new_full new_ones new_zeros normal ones ones_like permute_copy positive rand rand_like
    randn randn_like real reflection_pad1d reflection_pad2d reflection_pad3d relu relu6 repeat
    replication_pad1d replication_pad2d replication_pad3d requires_grad_ roll rot90 scalar_tensor scatter
    select_backward select_scatter set slice_backward slice_scatter sort split_with_sizes_copy stack take
    threshold threshold_backward to_dense topk trace_copy transpose_copy tril triu unfold_copy uniform
    unsqueeze_copy upsample_nearest1d upsample_nearest2d upsample_nearest3d
    value_selecting_reduction_backward view_as_complex view_as_real where zero zeros zeros_like
    """.split()  # noqa: SIM905 (a list of a hundred quoted names would fill two pages)
)
"""The operations that round nothing: what they return was there before, or was chosen or drawn."""

NEVER_ZERO = {"exp", "exp2", "sigmoid", "erfc", "log1p"}
"""The operations whose zero is not exact, but of zero itself: the result was too small for the dtype, or for
a kernel, as that of log1p at 5e-324 is."""


SERIES = {
    *("igamma", "igammac", "polygamma", "special_zeta", "special_erfcx", "special_log_ndtr"),
    *("i0", "special_i0e", "special_i1", "special_i1e"),
}
OF_A_SERIES = 64.0
"""The square of the roundings that these are off by, as tests/tolerance/rounding/test_series.py measures."""


def factors_of(name: str, args: Sequence[Any], result: Tensor) -> float:
    """How many numbers a product multiplies, which rounds as often, but for one; 1 for other operations."""
    if name in SERIES:
        return OF_A_SERIES
    if name == "_ctc_loss":  # a recurrence in the logarithms, step after step
        return float(len(args[0]))
    if name == "prod":
        return float(args[0].numel() / max(result.numel(), 1))
    return float(args[0].shape[args[1]]) if name == "cumprod" and args[0].ndim else 1.0


class Operation(NamedTuple):
    """What is known of an operation.

    apart is how to take it apart, or None; view, whether it returns memory of its arguments; in_place,
    whether it writes into its first; exact, whether it rounds nothing.
    """

    name: str
    apart: Callable[..., Any] | None
    view: bool
    in_place: bool
    exact: bool


@cache
def operation(func: Any) -> Operation:
    """What is known of one overload of an operation."""
    packet = func.overloadpacket.__name__
    arguments = func._schema.arguments
    in_place = bool(arguments) and arguments[0].is_write
    name = packet.removesuffix("_") if in_place else packet
    aliased = any(result.alias_info is not None for result in func._schema.returns)
    apart = taken_apart(func)
    return Operation(
        name=name,
        # What rounds nothing hides nothing, but for a decision: an index inside it would be moved.
        apart=None if in_place or (name in EXACT and not decides(name)) else apart,
        view=aliased and not in_place and apart is None,
        in_place=in_place,
        exact=name in EXACT or name in PIECEWISE_CONSTANT,
    )
