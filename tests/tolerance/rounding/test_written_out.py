"""What torch has in one call may be written out in 16 bits: it rounds once more on the way."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference import check_function


def drawn(*shape: int) -> Tensor:
    """The same numbers whenever the test runs."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


Written = tuple[Callable[..., Tensor], Callable[..., Tensor], list[Tensor]]
WRITTEN: dict[str, Written] = {
    "linear": (lambda x, w, b: x @ w.T + b, functional.linear, [drawn(48, 24), drawn(32, 24) / 5, drawn(32)]),
    "addmv": (lambda b, w, x: w @ x + b, torch.addmv, [drawn(400), drawn(400, 24) / 5, drawn(24)]),
    "addcmul": (
        lambda a, x, y: a + x * y,
        torch.addcmul,
        [drawn(40, 30), drawn(40, 31)[:, 1:], drawn(40, 30)],
    ),
    "addcdiv": (
        lambda a, x, y: a + 0.5 * x / (1 + y.abs()),
        lambda a, x, y: torch.addcdiv(a, x, 1 + y.abs(), value=0.5),
        [drawn(40, 30), drawn(40, 31)[:, 1:], drawn(40, 30)],
    ),
    "lerp": (lambda a, b: a + 0.3 * (b - a), lambda a, b: torch.lerp(a, b, 0.3), [drawn(40, 30), drawn(30)]),
}


@pytest.mark.medium(2)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", WRITTEN)
def test_one_call_may_be_several(name: str, dtype: torch.dtype) -> None:
    """F.linear itself rounds a product before it adds the bias where the rows are transposed."""
    function, reference, inputs = WRITTEN[name]
    report = check_function(function, reference, *(each.to(dtype) for each in inputs), ways=[], order=1)
    assert report.agrees, report


@pytest.mark.medium
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_product_that_is_added_up_in_16_bits_loses_digits_all_the_same(dtype: torch.dtype) -> None:
    """It is one rounding more, and not one for each term."""

    def one_by_one(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        total = x[:, :1] * w[:, 0]
        for k in range(1, x.shape[1]):
            total = total + x[:, k : k + 1] * w[:, k]
        return total + b

    inputs = [each.to(dtype) for each in WRITTEN["linear"][2]]
    report = check_function(one_by_one, functional.linear, *inputs, ways=[], order=1)
    assert report.findings[0].row.verdict.value == "loses digits"
