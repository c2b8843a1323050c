"""What a function draws is the same in every precision, where torch draws others in each."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from autograd_functions import function
from torch_reference import check_function

DRAWS: dict[str, Callable[[Tensor], Tensor]] = {
    "normal": torch.randn_like,
    "a mask": lambda x: (torch.rand_like(x) > 0.3).to(x.dtype),
    "of probabilities": lambda x: torch.bernoulli(torch.full((len(x), 1), 0.8)).to(x.dtype),
    "in place": lambda x: torch.empty(x.shape).normal_().to(x.dtype),
    "two after another": lambda x: torch.empty_like(x).exponential_() * torch.rand(x.shape[1]).to(x.dtype),
    "of its own numbers": lambda x: torch.bernoulli(x.detach().sigmoid()),
}
WRONG = {torch.float32: 1.0001, torch.float64: 1 + 1e-9, torch.bfloat16: 1.05}


def times(draw: Callable[[Tensor], Tensor], factor: float) -> Callable[..., Tensor]:
    """A third of the numbers times what is drawn, whose backward is off by a factor."""

    def forward(ctx, x: Tensor) -> Tensor:
        ctx.drawn = draw(x)
        return x * ctx.drawn / 3

    return function(forward, lambda ctx, above: above * ctx.drawn / 3 * factor)


@pytest.mark.medium
@pytest.mark.parametrize("dtype", WRONG, ids=str)
@pytest.mark.parametrize("name", DRAWS)
def test_a_function_that_draws_is_judged_as_sharply_as_another(name: str, dtype: torch.dtype) -> None:
    """Of sixteen numbers or more nothing was known: each run of the reference had drawn others."""
    x = torch.randn(6, 16, generator=torch.Generator().manual_seed(0)).to(dtype)
    draw = DRAWS[name]
    asked = {"ways": ["transposed", "rows", "redrawn", "scales"], "order": 1}
    report = check_function(times(draw, 1.0), lambda x: x * (draw(x) / 3), x, **asked)
    assert report, str(report)
    assert not report.warnings
    report = check_function(times(draw, WRONG[dtype]), lambda x: x * (draw(x) / 3), x, draws=0, **asked)
    assert report.first_wrong is not None
    assert report.first_wrong.name == "inputs[0]"


def test_of_a_function_that_draws_others_nothing_is_known() -> None:
    """A dropout's own mask was "wrong: yours"; one that draws none is another function."""
    x = torch.randn(6, 16, generator=torch.Generator().manual_seed(0))
    dropout = torch.nn.functional.dropout
    report = check_function(lambda x: x * (torch.rand_like(x) > 0.3) / 0.7, lambda x: dropout(x, 0.3), x)
    assert "UNDECIDED" in str(report)
    assert "draws other random numbers" in str(report)
    report = check_function(lambda x: x.clone(), lambda x: dropout(x, 0.3), x, draws=0)
    assert report.first_wrong.name == "outputs[0]"


def test_what_is_drawn_after_it_begins_where_it_began() -> None:
    """A gamma variate has a derivative, and is drawn in every run."""
    x = torch.randn(6, 16, generator=torch.Generator().manual_seed(0))

    def draw(x: Tensor) -> Tensor:
        return torch.randn_like(x) * torch._standard_gamma(torch.full_like(x, 2.0))

    assert check_function(times(draw, 1.0), lambda x: x * (draw(x) / 3), x, ways=[], order=1)


@pytest.mark.medium
def test_the_code_that_is_judged_draws_the_same_in_float64() -> None:
    """In 16 bits its formula was another: in float64 it had drawn other exponentials."""

    def noisy(x: Tensor) -> Tensor:
        return (x - torch.empty_like(x).exponential_().log()) / 0.7

    def forward(ctx, x: Tensor) -> Tensor:
        ctx.shares = noisy(x).float().softmax(-1).to(x.dtype)
        return ctx.shares

    def backward(ctx, above: Tensor) -> Tensor:
        shares, above = ctx.shares.float(), above.float()
        slope = shares * (above - (above * shares).sum(-1, keepdim=True)) / 0.7
        return slope.to(ctx.shares.dtype)

    x = torch.randn(64, 512, generator=torch.Generator().manual_seed(1)).bfloat16()
    report = check_function(function(forward, backward), lambda x: noisy(x).softmax(-1), x, ways=[], order=1)
    assert report, str(report)
