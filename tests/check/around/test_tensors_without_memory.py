"""Tensors whose numbers are in others: wrapper subclasses, and what torch.func hands to a function."""

import pytest
import torch
from torch import Tensor
from torch.testing._internal.two_tensor import TwoTensor

from torch_reference import check_function
from torch_reference.judging.calls.nests import has_memory

x = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
two = TwoTensor(x + 1, x + 1)


def test_a_wrapper_that_is_given_is_refused() -> None:
    """A copy of its memory was asked for, of which it has none: the check could not go on."""
    told = r"^inputs\[1\]: expected a tensor with memory of its own, found TwoTensor, whose numbers are"
    with pytest.raises(ValueError, match=told):
        check_function(torch.mul, torch.mul, x, two, ways=[])


@pytest.mark.medium
def test_a_wrapper_that_is_made_is_judged() -> None:
    """Whether it shares memory with an input was asked of the memory that it has not."""
    plain = x + 1
    assert check_function(lambda x: x * two, lambda x: x * plain, x, ways=[], order=1)
    wrong = check_function(lambda x: x * two * 1.01, lambda x: x * plain, x, ways=[], order=1)
    assert str(wrong).startswith("MISMATCH: 1 of 1 outputs differ, 1 of 1 gradients differ")


def test_what_torch_func_hands_on_gave_nothing_back() -> None:
    """Its storage cannot be asked for, which raised an error of the check."""
    seen: list[bool] = []

    def looked_at(value: Tensor) -> Tensor:
        seen.append(has_memory(value))
        return value.sum()

    torch.func.grad(looked_at)(x)
    torch.func.vmap(looked_at)(x[None])
    assert seen == [True, True]
