"""A sum of few rows that is made in 16 bits, one after another, is no right one; in float32 it is."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from torch_reference import check_function
from torch_reference.comparison import Verdict


def with_bias(accumulated: Callable[[Tensor], Tensor]) -> tuple[Callable, Callable]:
    """x + b, whose bias has the sum of the rows for its gradient."""
    return lambda x, b: (x + b, None), lambda _, above: (above, accumulated(above))


def one_after_another(above: Tensor) -> Tensor:
    """As a loop in 16 bits has it."""
    total = above[0].clone()
    for row in above[1:]:
        total += row
    return total


@pytest.mark.medium
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("rows", [8, 32, 64])
def test_a_bias_of_few_rows(rows: int, dtype: torch.dtype) -> None:
    """Of 512 columns some show it."""
    draws = torch.Generator().manual_seed(rows)
    x, b = (torch.randn(shape, generator=draws).to(dtype) for shape in ((rows, 512), (512,)))

    def verdict(accumulated: Callable[[Tensor], Tensor]) -> Verdict:
        report = check_function(with_bias(accumulated), lambda x, b: x + b, x, b, ways=[], order=1, draws=0)
        return {each.name: each.row.verdict for each in report.findings}["inputs[1]"]

    assert verdict(one_after_another) is Verdict.LOSES_DIGITS
    assert verdict(lambda above: above.float().sum(0).to(dtype)) is Verdict.AGREES
