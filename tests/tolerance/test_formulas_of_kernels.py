"""What a kernel's formula is judged by in float64: its own roundings there, and memory that it asks for."""

from functools import partial

import pytest
import torch
from torch import Tensor

from torch_reference import check_function

check = partial(check_function, ways=[], order=1, draws=0)


def randn(*shape: int, dtype: torch.dtype) -> Tensor:
    """Drawn in float64, so that each dtype has the same numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_gradient_that_is_zero_by_nature_is_zero_to_float64s_roundings(dtype: torch.dtype) -> None:
    """A layer norm of one number, and a row over its own size: one witness has 0, the other 1e-14."""
    x = randn(9, 1, dtype=dtype)

    def norm_backward(x: Tensor, above: Tensor) -> Tensor:
        g, c = above.float(), x.float() - x.float().mean(-1, keepdim=True)
        scale = (c.square().mean(-1, keepdim=True) + 1e-5).rsqrt()
        return ((g - g.mean(-1, keepdim=True) - c * scale * (g * c * scale)) * scale).to(x.dtype)

    def norm(x: Tensor) -> Tensor:
        return torch.nn.functional.layer_norm(x, (1,))

    def unit_backward(x: Tensor, above: Tensor) -> Tensor:
        size, g = x.float().abs(), above.float()
        h = x.float() / size
        return ((g - h * (g * h).sum(-1, keepdim=True)) / size).to(x.dtype)

    def unit(x: Tensor) -> Tensor:
        return (x.float() / x.float().norm(dim=-1, keepdim=True)).to(x.dtype)

    assert check((lambda x: (norm(x), x), norm_backward), norm, x).agrees
    assert check((lambda x: (unit(x), x), unit_backward), unit, x).agrees


@pytest.mark.parametrize("factor", [1.0, 1.01])
def test_memory_that_a_kernel_asks_for_is_no_reason_to_know_no_formula(factor: float) -> None:
    """A buffer in float32, or in 16 bits, into which blocks of rows are written."""

    def backward(x: Tensor, above: Tensor) -> Tensor:
        total, found = torch.zeros(x.shape), torch.empty(x.shape, dtype=torch.bfloat16)
        total.index_put_(
            (torch.arange(len(x)),), factor * torch.softmax(x.float(), -1) * above.float()[:, None]
        )
        for row in range(0, len(x), 2):
            found[row : row + 2] = total[row : row + 2]
        return found

    def function(x: Tensor) -> Tensor:
        return torch.logsumexp(x, -1)

    x = randn(6, 37, dtype=torch.bfloat16)
    assert check((lambda x: (function(x), x), backward), function, x).agrees == (factor == 1.0)


@pytest.mark.parametrize(("part", "agrees"), [(1.0, True), (0.7, False)])
def test_a_tie_of_16_bits_alone_is_no_kink_of_the_formula(part: float, agrees: bool) -> None:
    """A product and a number beside it are equal in bfloat16: 0.7 of a side is wrong."""
    x = torch.tensor([[1.1015625, 1.296875, 1.4296875]], dtype=torch.bfloat16)
    assert (x[:, 0] * x[:, 1] == x[:, 2]).all()

    def larger(x: Tensor) -> Tensor:
        return torch.maximum(x[:, 0] * x[:, 1], x[:, 2])

    def backward(x: Tensor, above: Tensor) -> Tensor:
        a, b, c = x.float().unbind(1)
        product = a * b >= c
        of = [part * product * b, part * product * a, part * ~product]
        return (torch.stack(of, 1) * above.float()[:, None]).to(x.dtype)

    assert check((lambda x: (larger(x), x), backward), larger, x).agrees == agrees
