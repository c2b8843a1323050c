"""Every Hypothesis strategy of the tests."""

from functools import cache
from typing import NamedTuple

import torch
from hypothesis import strategies as st
from torch import Tensor

from manual_backprop import PARAMETERS

LARGEST = 1000.0
"""Range of parameters and data: then |x1| ≤ 1e6, |Predicted| ≤ 2e9 and |d_ssr_d_w1| ≤ n · 4e15, which stays
far from float32's 3e38, so that a difference is a matter of rounding and never of overflow. Zero, subnormal
numbers and SoftPlus's thresholds (20, 40, 89, 710) are all inside."""

dtypes = st.sampled_from([torch.float32, torch.float64])


class Case(NamedTuple):
    """One network or a batch of them, with its data."""

    parameters: dict[str, Tensor]
    inputs: Tensor
    observed: Tensor


@cache  # a strategy that is made anew for every draw costs more than the draw
def numbers(dtype: torch.dtype) -> st.SearchStrategy[float]:
    """Any number of the dtype up to LARGEST, and often one in the middle of SoftPlus."""
    width = 32 if dtype == torch.float32 else 64
    return st.one_of(
        st.floats(-3, 3, width=width),
        st.floats(-LARGEST, LARGEST, width=width),
        st.sampled_from([0.0, 1.0, -1.0, 20.0, 40.0, -40.0, 89.0, -104.0, 710.0, -745.0]),
    )


@cache
def tensors(shape: tuple[int, ...], dtype: torch.dtype) -> st.SearchStrategy[Tensor]:
    """A tensor of numbers."""
    count = torch.Size(shape).numel()
    values = st.lists(numbers(dtype), min_size=count, max_size=count)
    return values.map(lambda values: torch.tensor(values, dtype=dtype).reshape(shape))


@st.composite
def cases(
    draw: st.DrawFn, max_n: int = 8, batches: bool = True, dtypes: st.SearchStrategy[torch.dtype] = dtypes
) -> Case:
    """A network with data: any dtype, any n, a batch on the parameters, on the data, on both or on none."""
    dtype = draw(dtypes, label="dtype")
    n = draw(st.integers(1, max_n), label="n")
    batch = draw(st.sampled_from([(), (2,), (2, 3), (1,), (0,)]) if batches else st.just(()), label="batch")
    parameter_batch, data_batch = draw(
        st.sampled_from([(batch, batch), (batch, ()), ((), batch)]), label="batch of parameters, of data"
    )
    parameters = {name: draw(tensors(parameter_batch, dtype), label=name) for name in PARAMETERS}
    inputs = draw(tensors((*data_batch, n), dtype), label="inputs")
    observed = draw(tensors((*data_batch, n), dtype), label="observed")
    return Case(parameters, inputs, observed)


wrt = st.lists(st.sampled_from(PARAMETERS), unique=True)
"""Any parameters, in any order."""
