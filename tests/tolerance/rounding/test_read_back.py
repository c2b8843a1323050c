"""What a forward pass hands on in 16 bits, a backward pass reads in 16 bits: it is all that is kept of it."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from torch_reference import check_function

check = partial(check_function, ways=[], order=1, draws=0)


def upcast(x: Tensor) -> Tensor:
    """A softmax in float32, as Megatron-LM and Apex test their kernels."""
    return torch.softmax(x.float() / 8, -1).to(x.dtype)


def forward(x: Tensor) -> tuple[Tensor, Any]:
    """Apex's keeps its result alone."""
    return upcast(x), upcast(x)


def backward(y: Tensor, above: Tensor, factor: float = 1.0, one: float = 1.0, row: float = 1.0) -> Tensor:
    """From the result that was returned; factors spoil all of it, an element, the sum over the row."""
    terms = above.float() * y.float()
    found = factor / 8 * (terms - row * y.float() * terms.sum(-1, keepdim=True))
    found[2, 1] *= one
    return found.to(y.dtype)


@pytest.mark.medium
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("rows", [7, 64])
def test_a_result_that_is_kept_as_it_is_returned(dtype: torch.dtype, rows: int) -> None:
    """It was said to lose digits beside a reference that keeps float32; a wrong one differs still."""
    x = torch.randn(rows, 24, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)
    assert check((forward, backward), upcast, x).agrees
    for spoilt in ({"factor": 1.01}, {"one": 1.1}, {"row": 0.9}):
        wrong = check((forward, partial(backward, **spoilt)), upcast, x)
        assert wrong.findings[1].row.verdict.value in ("differs", "inconclusive"), spoilt
        assert not wrong.agrees


def test_a_few_numbers_of_such_a_result() -> None:
    """The quick half of the above."""
    x = torch.randn(3, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64).bfloat16()
    assert check((forward, backward), upcast, x).agrees
    assert not check((forward, partial(backward, one=1.1)), upcast, x).agrees


@pytest.mark.medium
def test_a_state_in_float32_is_not_read_so_by_the_forward_pass() -> None:
    """One that is handed on at each step, and added to in float32, is not forgiven for 16 bits."""
    draws = torch.Generator().manual_seed(0)
    x = torch.randn(96, 16, generator=draws, dtype=torch.float64).bfloat16()

    def states(x: Tensor, narrow: bool = False) -> Tensor:
        state, found = torch.zeros(x.shape[1], dtype=torch.bfloat16 if narrow else torch.float32), []
        for row in x:
            state = state + row
            found.append(state.bfloat16())
        return torch.stack(found)

    assert check(states, states, x).agrees
    assert not check(partial(states, narrow=True), states, x).agrees
