"""Equal rows behind a linear map, as padding by repetition makes them: ties of products, not of inputs."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from torch_reference import check_function
from torch_reference.comparison import Verdict
from torch_reference.judging.calls import cuts

check = partial(check_function, ways=[], order=1, redraw=False)


def largest(h: Tensor, w: Tensor) -> Tensor:
    """The largest of each column of a product of rows."""
    return (h @ w).relu().max(1)[0]


def pooled(share: Callable[[Tensor], Tensor]) -> tuple[Callable, Callable]:
    """The same, whose gradient its equals share."""

    def forward(h: Tensor, w: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        inside = (h @ w).relu()
        above = inside.amax(1)
        return above, (h, w, inside, above)

    def backward(saved: tuple[Tensor, ...], d_above: Tensor) -> tuple[Tensor, Tensor]:
        h, w, inside, above = saved
        equals = (inside == above[:, None]).to(h.dtype)
        d_inside = d_above[:, None] * share(equals) * (inside > 0)
        return d_inside @ w.T, h.flatten(0, 1).T @ d_inside.flatten(0, 1)

    return forward, backward


def last(equals: Tensor) -> Tensor:
    """All to the last of them."""
    return equals * (equals.flip(1).cumsum(1).flip(1) == 1)


def rows(batch: int, number: int, columns: int) -> tuple[Tensor, Tensor]:
    """A batch of rows of which half are equal to the first, and a matrix."""
    generator = torch.Generator().manual_seed(0)
    h = torch.randn(batch, number, columns, generator=generator, dtype=torch.float64)
    h[:, : number // 2] = h[:, :1]
    return h, torch.randn(columns, 2 * columns, generator=generator, dtype=torch.float64) / columns**0.5


@pytest.mark.medium
def test_the_last_of_equal_rows_has_all_in_parts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of the batch knows as well as all of it what is upstream, and so where each row wins."""
    monkeypatch.setattr(cuts, "MANY", 1)
    report = check(pooled(last), largest, *rows(4, 20, 16))
    assert report.agrees, str(report)


@pytest.mark.medium
def test_a_zero_of_equal_rows_is_moved_as_far_as_the_others() -> None:
    """The next number to zero is none beside what the other columns of the row are added up to.

    Nor are sixteen steps of a small number.
    """
    h, w = rows(4, 20, 16)
    report = check(pooled(last), largest, h.relu(), w)
    assert report.agrees, str(report)


WRONG: dict[str, Callable[[Tensor], Tensor]] = {
    "the whole to each": lambda equals: equals,
    "more than there is, and the rest taken back": lambda equals: (
        equals * ((number := equals.cumsum(1)) == 1) * 2 - equals * (number == 2)
    ),
    "a thousandth too much": lambda equals: 1.001 * equals / equals.sum(1, keepdim=True),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.medium
def test_a_choice_among_equals_loses_no_digits(name: str) -> None:
    """Where the code compares its own numbers, its roundings would choose others, and explain all of it."""
    report = check(pooled(WRONG[name]), largest, *rows(2, 20, 6))
    assert Verdict.DIFFERS in [finding.row.verdict for finding in report.findings], str(report)
