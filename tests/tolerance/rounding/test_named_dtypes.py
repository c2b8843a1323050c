"""A reference that names a dtype, for a sum or for what it writes into, runs in float64 as any other does."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 # torch's own name for it

from torch_reference import check_function
from torch_reference.tolerance.rounding.exact_run import ExactRun

PLACES = torch.tensor([0, 1, 1, 0])


def into_a_constant(x: Tensor) -> Tensor:
    return torch.full((2, 5), 0.5).index_add_(0, PLACES, x.float())


def into_the_identity(x: Tensor) -> Tensor:
    square = torch.eye(5)
    square[:4].add_(x.float())
    return square @ x.float().T


def into_numbers(x: Tensor) -> Tensor:
    return torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]).add_(x.float().sum(0)).sin()


def into_a_count(x: Tensor) -> Tensor:
    counted = torch.arange(20, dtype=torch.float32).view(4, 5)
    counted[0] = x[0].float()
    return counted * x.float()


def from_integers(x: Tensor) -> Tensor:
    return F.one_hot(PLACES, 5).float().sub_(x.float()).square()


NAMING: dict[str, Callable[[Tensor], Tensor]] = {
    "sum": lambda x: x.sum(-1, dtype=torch.float32),
    "mean": lambda x: x.mean(-1, dtype=torch.float32),
    "cumsum": lambda x: x.cumsum(-1, dtype=torch.float32),
    "prod": lambda x: x.prod(-1, dtype=torch.float32),
    "nansum": lambda x: x.nansum(dtype=torch.float32),
    "softmax": lambda x: torch.softmax(x, -1, dtype=torch.float32),
    "into a constant": into_a_constant,
    "into the identity": into_the_identity,
    "into numbers": into_numbers,
    "into a count": into_a_count,
    "from integers": from_integers,
}


class Scaled(torch.autograd.Function):
    """What it is given, whose gradient is multiplied by a factor."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *above: Tensor) -> tuple[Tensor, None]:
        return above[0] * ctx.factor, None


@pytest.mark.sample(2)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("name", NAMING)
def test_the_right_one_agrees_and_a_factor_is_refused(name: str, dtype: torch.dtype) -> None:
    x = torch.randn(4, 5, generator=torch.Generator().manual_seed(0)).to(dtype)
    reference = NAMING[name]
    report = check_function(reference, reference, x, ways=[], order=1)
    assert report, str(report)
    factor = 1.1 if dtype == torch.bfloat16 else 1.0001

    def wrong(x: Tensor) -> Tensor:
        return reference(Scaled.apply(x, factor))

    report = check_function(wrong, reference, x, ways=[], order=1, draws=0)
    assert [each.name for each in report.findings if not each.agrees] == ["inputs[0]"]


def test_the_exact_run_adds_up_in_float64_whatever_a_sum_names() -> None:
    x = torch.randn(4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    with ExactRun():
        found = x.sum(-1, dtype=torch.float32)
    assert torch.equal(found, x.sum(-1))
