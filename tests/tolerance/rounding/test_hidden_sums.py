"""Operations that add up inside, or solve: a right result by another order of the same sums is right."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference import check_function
from torch_reference.tolerance.movement import expected_and_bounds

COSINES = torch.tensor(
    [[math.cos(2 * math.pi * (j * k % 16) / 16) for k in range(9)] for j in range(16)], dtype=torch.float64
)


def patches(x: Tensor) -> Tensor:
    """unfold with a window of 3, by slices."""
    side = x.shape[2] - 2
    found = [
        x[:, c, i : i + side, j : j + side].flatten(1) for c in range(3) for i in range(3) for j in range(3)
    ]
    return torch.stack(found, 1)


def drawn(*shape: int) -> Tensor:
    """Numbers of both signs, whose sums cancel."""
    return torch.randn(*shape, dtype=torch.float64)


CASES: dict[str, tuple[Callable[..., Tensor], Callable[..., Tensor], Callable[[], tuple[Tensor, ...]]]] = {
    "average pool": (
        lambda x: functional.avg_pool2d(x, 2),
        lambda x: x.reshape(2, 3, 4, 2, 4, 2).mean((3, 5)),
        lambda: (drawn(2, 3, 8, 8),),
    ),
    "average pool that overlaps": (
        lambda x: functional.avg_pool2d(x, 3, 1),
        lambda x: patches(x).reshape(2, 3, 9, 6, 6).mean(2),
        lambda: (drawn(2, 3, 8, 8),),
    ),
    "adaptive pool": (
        lambda x: functional.adaptive_avg_pool2d(x, 2),
        lambda x: x.reshape(2, 3, 2, 4, 2, 4).mean((3, 5)),
        lambda: (drawn(2, 3, 8, 8),),
    ),
    "bilinear": (
        lambda x, w, y: functional.bilinear(x, y, w),
        lambda x, w, y: torch.einsum("ni,kij,nj->nk", x, w, y),
        lambda: (drawn(6, 5), drawn(4, 5, 7), drawn(6, 7)),
    ),
    "interpolation": (
        lambda x: functional.interpolate(x, scale_factor=2, mode="linear"),
        lambda x: torch.stack(
            [
                x[..., 0],
                *(0.25 * (x[..., i] * a + x[..., i + 1] * (4 - a)) for i in range(4) for a in (3, 1)),
                x[..., 4],
            ],
            -1,
        ),
        lambda: (drawn(2, 3, 5),),
    ),
    "unfold": (lambda x: functional.unfold(x, 3), patches, lambda: (drawn(2, 3, 6, 6),)),
    "distances of order 1": (
        lambda a, b: torch.cdist(a, b, p=1.0),
        lambda a, b: (a[:, None] - b).abs().sum(2),
        lambda: (drawn(6, 5), drawn(7, 5)),
    ),
    "distances by squares and products": (
        lambda a, b: torch.cdist(a, b),
        lambda a, b: (a[:, None] - b).square().sum(2).sqrt(),
        lambda: (drawn(30, 3), drawn(29, 3)),
    ),
    "logcumsumexp": (
        lambda x: x.logcumsumexp(1),
        lambda x: x.exp().cumsum(1).log(),
        lambda: (drawn(8, 6),),
    ),
    "Fourier transform": (lambda x: torch.fft.rfft(x).real, lambda x: x @ COSINES, lambda: (drawn(4, 16),)),
    "solve": (
        torch.linalg.solve,
        lambda a, b: torch.linalg.inv(a) @ b,
        lambda: (drawn(4, 4) + 3 * torch.eye(4, dtype=torch.float64), drawn(4, 3)),
    ),
    "weight norm": (
        lambda v, g: torch._weight_norm(v, g, 0),
        lambda v, g: g * v / (v * v).sum(1, keepdim=True).sqrt(),
        lambda: (drawn(5, 4), drawn(5, 1)),
    ),
    "batch norm that does not train": (
        lambda x, g, b: functional.batch_norm(x, x.new_full((5,), 0.3), x.new_full((5,), 1.7), g, b),
        lambda x, g, b: (x - 0.3) / math.sqrt(1.7 + 1e-5) * g + b,
        lambda: (drawn(9, 5), drawn(5), drawn(5)),
    ),
}


def by_itself(other: Callable[..., Tensor]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """A function and the backward that autograd makes of it."""

    def backward(inputs: tuple[Tensor, ...], upstream: Tensor) -> tuple[Tensor, ...]:
        with torch.enable_grad():
            leaves = [value.detach().clone().requires_grad_() for value in inputs]
            return torch.autograd.grad(other(*leaves), leaves, upstream)

    return lambda *inputs: (other(*inputs), inputs), backward


@pytest.mark.sample(6)
@pytest.mark.parametrize("name", CASES)
def test_another_order_of_the_same_sum_agrees(name: str) -> None:
    """In float64, where no finer run says how much a kernel's own order loses."""
    reference, other, inputs = CASES[name]
    for seed in range(3):
        torch.manual_seed(seed)
        report = check_function(by_itself(other), reference, *inputs(), ways=[], order=1)
        assert report.agrees, report


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", ["average pool", "bilinear", "Fourier transform", "solve", "unfold"])
def test_their_bounds_are_sharp_enough_to_see_a_mistake(name: str) -> None:
    """One part in 10¹¹ of the gradient."""
    reference, other, inputs = CASES[name]
    torch.manual_seed(0)
    forward, backward = by_itself(other)

    def wrong(saved: tuple[Tensor, ...], upstream: Tensor) -> tuple[Tensor, ...]:
        return tuple(value * (1 + 1e-11) for value in backward(saved, upstream))

    assert not check_function((forward, wrong), reference, *inputs(), ways=[], order=1).agrees


def table(width: int) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Tensor]]:
    """Rows of a table, with PyTorch's backward pass, which adds up in 16 bits; and its one-hot matrix."""
    indices = torch.tensor([0, 1, 1, 2, 2, 2, 3, 3, 3, 3] + [4] * width)
    forward, backward = by_itself(lambda weight: torch.nn.functional.embedding(indices, weight))
    return forward, backward, lambda weight: torch.eye(5, dtype=weight.dtype)[indices] @ weight


@pytest.mark.medium
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_sum_of_a_few_terms_may_be_made_in_16_bits(dtype: torch.dtype) -> None:
    """Up to four, as in a + b + c + d; a hundred rows that share an index lose digits."""
    for seed in range(5):
        weight = torch.randn(5, 4, generator=torch.Generator().manual_seed(seed)).to(dtype)
        for width in (0, 100):
            forward, backward, reference = table(width)
            report = check_function((forward, backward), reference, weight, ways=[], order=1, draws=0)
            assert report.agrees is not bool(width), report


@pytest.mark.medium(1)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_few_per_cent_of_a_short_sum_are_seen(dtype: torch.dtype) -> None:
    """All gradients 1.08 or 1.01 times what they should be: twenty roundings."""
    factor = 1 + 20 * torch.finfo(dtype).eps / 2
    forward, backward, reference = table(0)
    weight = torch.randn(5, 4, generator=torch.Generator().manual_seed(0)).to(dtype)

    def wrong(inputs: tuple[Tensor, ...], upstream: Tensor) -> tuple[Tensor, ...]:
        return tuple(factor * gradient for gradient in backward(inputs, upstream))

    assert not check_function((forward, wrong), reference, weight, ways=[], order=1, draws=0).agrees


def test_a_product_rounds_as_often_as_it_has_factors() -> None:
    """Each of n − 1 roundings counts: √n u, times 3 of the bound and the largest of 48 normal numbers."""
    x = 1 + torch.rand(2, 1031, generator=torch.Generator().manual_seed(0), dtype=torch.float64) / 1000
    for product in (lambda x: x.prod(-1), lambda x: x.cumprod(-1)[:, -1]):
        expected, bounds = expected_and_bounds(lambda at, of=product: {"y": of(at["x"])}, {"x": x})
        roundings = bounds["y"] / expected["y"] / (torch.finfo(x.dtype).eps / 2) / 1031**0.5
        assert bool(((roundings > 3) & (roundings < 15)).all())


@pytest.mark.medium
def test_what_a_running_product_rounds_is_in_all_behind_it() -> None:
    """Its sum is off by as much as its elements: products of all others, each made anew, are right."""

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(x)
            return x.prod(-1)

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> Tensor:
            (x,) = ctx.saved_tensors
            rest = [torch.cat([x[..., :i], x[..., i + 1 :]], -1).prod(-1) for i in range(x.shape[-1])]
            return g[..., None] * torch.stack(rest, -1)

    for seed in (6, 7, 8):
        numbers = torch.randn(3, 1031, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        x = numbers * 0.2 + 1
        report = check_function(Product, lambda x: x.prod(-1), x, ways=[], order=1, draws=0)
        assert report.agrees, report
