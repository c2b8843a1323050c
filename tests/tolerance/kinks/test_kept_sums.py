"""What is split among equals adds up to the whole, whatever else of the sum is free."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from torch_reference import check_function


def _largest(h: Tensor, w: Tensor) -> Tensor:
    return (h @ w).relu().max(1)[0]  # which takes one of equals, and amax shares among them


def _rows(batch: int, number: int, columns: int) -> tuple[Tensor, Tensor]:
    """Equal rows, and at the end rows of zeros, where the slope of the ReLU is free."""
    generator = torch.Generator().manual_seed(0)
    h = torch.randn(batch, 1, columns, generator=generator, dtype=torch.float64).relu().repeat(1, number, 1)
    h[:, -3:] = 0
    return h, torch.randn(columns, 2 * columns, generator=generator, dtype=torch.float64)


def _scaled(change: Callable[[Tensor], Tensor]) -> tuple[Callable, Callable]:
    """Its gradient, shared by all equals; that of h is changed."""

    def forward(h: Tensor, w: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        inside = (h @ w).relu()
        return inside.amax(1), (h, w, inside)

    def backward(saved: tuple[Tensor, ...], d_above: Tensor) -> tuple[Tensor, Tensor]:
        h, w, inside = saved
        equals = (inside == inside.amax(1, keepdim=True)).to(h.dtype)
        d_inside = d_above[:, None] * equals / equals.sum(1, keepdim=True) * (inside > 0)
        return change(d_inside @ w.T), h.flatten(0, 1).T @ d_inside.flatten(0, 1)

    return forward, backward


CHANGES: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "none": (lambda d_h: d_h, "agrees"),
    "a thousandth too much": (lambda d_h: 1.001 * d_h, "differs"),
    "half too much": (lambda d_h: 1.5 * d_h, "differs"),
    "all to the first": (
        lambda d_h: torch.cat([d_h.sum(1, keepdim=True), torch.zeros_like(d_h[:, 1:])], 1),
        "agrees",
    ),
}


@pytest.mark.medium
@pytest.mark.parametrize("name", CHANGES)
def test_equals_add_up_to_the_whole_beside_free_slopes(name: str) -> None:
    """Rows of zeros behind a ReLU have any slope from 0 to 1; equal rows beside them have one, together."""
    change, verdict = CHANGES[name]
    report = check_function(_scaled(change), _largest, *_rows(1, 8, 4), ways=[], order=1, redraw=False)
    found = next(one.row for one in report.findings if one.name == "inputs[0]")
    assert found.verdict.value == verdict, str(report)
