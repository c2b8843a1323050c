"""A right formula in TF32 or in 16 bits is called that, and nothing else of that size is."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from torch_reference import check_function

draws = torch.Generator().manual_seed(0)
A, B = torch.randn(24, 32, generator=draws), torch.randn(32, 20, generator=draws)
Product = Callable[[Tensor, Tensor], Tensor]


def told(product: Product, a: Tensor, b: Tensor) -> list[str]:
    """What the gradients of a @ b by this product are called."""

    def backward(kept: Any, above: Tensor) -> tuple[Tensor, Tensor]:
        a, b = kept
        return product(above, b.T), product(a.T, above)

    report = check_function((lambda a, b: (a @ b, (a, b)), backward), torch.matmul, a, b, ways=[], order=1)
    return [finding.diagnosis.kind for finding in report.findings if finding.diagnosis]


def rounded_to(dtype: torch.dtype) -> Product:
    """As a tensor core does, whose TF32 has as many bits as float16."""
    return lambda a, b: a.to(dtype).to(a.dtype) @ b.to(dtype).to(b.dtype)


@pytest.mark.medium
@pytest.mark.parametrize("rounds", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rounded_factors_are_a_matter_of_precision(rounds: torch.dtype, dtype: torch.dtype) -> None:
    """In both gradients, at every redrawn point."""
    assert told(rounded_to(rounds), A.to(dtype), B.to(dtype)) == ["coarse precision"] * 2


@pytest.mark.medium
@pytest.mark.parametrize(
    "wrong",
    [
        lambda a, b: (a @ b) * 1.0005,
        lambda a, b: a @ b + 1e-3,
        lambda a, b: torch.cat([(a @ b)[:-1], (a @ b)[-1:] * 1.01]),
        lambda a, b: (a @ b) * torch.linspace(0.999, 1.001, b.shape[1]),
        lambda a, b: (
            (a @ b) * (1 + 1e-5 * torch.randn(b.shape[1], generator=torch.Generator().manual_seed(1)))
        ),
        lambda a, b: (a @ b) * (1 + 1e-5 * torch.cos(1e4 * (a @ b))),
        lambda a, b: (
            (c := a @ b)
            + 5e-4 * c.norm() / 22 * torch.randn(c.shape, generator=torch.Generator().manual_seed(1))
        ),
    ],
    ids=[
        "a factor",
        "an offset",
        "a row",
        "factors of columns",
        "far smaller errors",
        "and others beside these",
        "of each element",
    ],
)
def test_a_small_mistake_is_none(wrong: Product) -> None:
    """Its errors add up in sums, or are far smaller; nor are numbers that differ called the factor 1."""
    assert "coarse precision" not in told(wrong, A, B)
    assert "constant factor" not in told(wrong, A, B) or wrong(A, B).allclose(1.0005 * (A @ B))


@pytest.mark.medium
@pytest.mark.parametrize("rounds", [torch.float16, torch.bfloat16])
def test_other_factors_than_the_references_are_rounded(rounds: torch.dtype) -> None:
    """As a flash attention rounds its exponentials before they are divided: as large, and as random."""
    product = rounded_to(rounds)

    def forward(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        scores = product(q, k.mT)
        exponentials = (scores - scores.amax(-1, keepdim=True)).exp()
        total = exponentials.sum(-1, keepdim=True)
        out = product(exponentials, v) / total
        return out, (q, k, v, out, exponentials / total)

    def backward(kept: tuple[Tensor, ...], above: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v, out, p = kept
        d_scores = p * (product(above, v.mT) - (above * out).sum(-1, keepdim=True))
        return product(d_scores, k), product(d_scores.mT, q), product(p.mT, above)

    q, k, v = (0.5 * torch.randn(24, 16, generator=draws) for _ in range(3))
    report = check_function(
        (forward, backward), lambda q, k, v: torch.softmax(q @ k.mT, -1) @ v, q, k, v, ways=[], order=1
    )
    kinds = [finding.diagnosis.kind for finding in report.findings if finding.diagnosis]
    assert kinds == ["coarse precision"] * 3, report


@pytest.mark.medium
def test_products_that_a_recurrence_has_not_are_rounded() -> None:
    """As those of linear attention in blocks, beside a loop over its steps."""
    product, mask = rounded_to(torch.float16), torch.ones(20, 20).tril()

    def forward(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        return product(product(q, k.T) * mask.to(q), v), (q, k, v)

    def backward(kept: tuple[Tensor, ...], above: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = kept
        scores, d_scores = product(q, k.T) * mask.to(q), product(above, v.T) * mask.to(q)
        return product(d_scores, k), product(d_scores.T, q), product(scores.T, above)

    def by_steps(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        state, outputs = q.new_zeros(q.shape[1], v.shape[1]), []
        for step in range(len(q)):
            state = state + k[step, :, None] * v[step]
            outputs.append((q[step, :, None] * state).sum(0))
        return torch.stack(outputs)

    q, k, v = (torch.randn(20, 16, generator=draws) for _ in range(3))
    report = check_function((forward, backward), by_steps, q, k, v, ways=[], order=1)
    assert all(finding.diagnosis.kind == "coarse precision" for finding in report.findings[1:]), report


@pytest.mark.medium
def test_a_complex_gradient_is_looked_at_as_what_it_is(recwarn: pytest.WarningsRecorder) -> None:
    """It was looked at without its imaginary parts, and torch warned of that."""
    a, b = (torch.complex(A[:4, start : start + 4], B[:4, :4]) for start in (0, 4))
    assert told(lambda a, b: a @ b, a, b) == ["unknown"] * 2  # not conjugated
    assert not [str(each.message) for each in recwarn]
