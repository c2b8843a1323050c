"""The numbers of a closure are taken where torch looks at dtypes itself, before it dispatches."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from torch_reference import check_function
from torch_reference.comparison import Verdict
from torch_reference.tolerance.rounding.closures import InOneDtype

WEIGHT, BIAS, KEYS = torch.linspace(-1, 1, 54).view(2, 3, 3, 3), torch.tensor([0.3, -0.7]), torch.eye(4)[None]
LSTM = nn.LSTM(4, 3, batch_first=True)

LOOKING: dict[str, tuple[Callable[[Tensor], Tensor], tuple[int, ...]]] = {
    "a convolution at its bias": (lambda x: functional.conv2d(x, WEIGHT, BIAS), (2, 3, 4, 4)),
    "attention at its keys": (lambda x: functional.scaled_dot_product_attention(x, KEYS, KEYS), (1, 4, 4)),
    "nn.LSTM at its weights": (lambda x: LSTM(x)[0], (2, 3, 4)),
    "a chain of products": (lambda x: torch.linalg.multi_dot([x, KEYS[0], KEYS[0]]), (3, 4)),
    "prelu at its slopes": (lambda x: functional.prelu(x, BIAS), (3, 2)),
    "a product over dimensions": (lambda x: torch.tensordot(x, WEIGHT, 1), (4, 2)),
}


@pytest.mark.medium
@pytest.mark.parametrize("name", LOOKING)
def test_a_closure_of_float32_has_something_to_compare_with(name: str) -> None:
    function, shape = LOOKING[name]
    x = torch.randn(shape, generator=torch.Generator().manual_seed(3))
    assert check_function(function, function, x, ways=[], order=1)

    def of_a_thousandth_more(x: Tensor) -> Tensor:
        return function(x + 1e-3 * (x - x.detach()))

    assert not check_function(of_a_thousandth_more, function, x, ways=[], order=1)


def test_what_torch_refuses_as_it_is_given_is_still_refused() -> None:
    function = partial(functional.conv2d, weight=WEIGHT, bias=BIAS)
    x = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    report = check_function(lambda x: function(x.float()).double(), function, x, ways=[])
    assert [(each.name, each.row.verdict) for each in report.findings] == [("reference", Verdict.RAISED)]


def test_what_writes_is_not_called_again_with_other_memory() -> None:
    sums = torch.zeros(3)
    with pytest.raises(RuntimeError, match="output with"), InOneDtype():
        sums.add_(torch.ones(2, 3, dtype=torch.float64))
    factors = [torch.ones(3, 3), torch.ones(3, 3, dtype=torch.float64), sums]
    with pytest.raises(RuntimeError, match="same dtype"), InOneDtype():
        torch.linalg.multi_dot(factors, out=sums)
    assert not torch.is_autocast_enabled("xla")


def test_what_refuses_one_dtype_is_refused() -> None:
    """It is no mixture."""
    with InOneDtype(), pytest.raises(RuntimeError):
        torch.linalg.inv(torch.eye(2).half())
