"""What constants are stays so at any other number of columns: shares add up to 1, halves are alike.

Indices belong together, too; where they no longer do, or where a reference reads none of it, nothing fails.
"""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from autograd_functions import function, saving
from torch_reference import check_function
from torch_reference.check.ways.elsewhere.partitions import parted

draws = torch.Generator().manual_seed(0)
PAIRS = torch.randn(4, 5, 2, dtype=torch.float64, generator=draws)
ROWS = torch.randn(6, 3, dtype=torch.float64, generator=draws)
ORDER = torch.tensor([3, 0, 5, 1, 4, 2])


def soft_cross_entropy(factor: float = 1.0) -> tuple:
    """As Chainer's softmax_cross_entropy has it (MIT licence): p - t is its slope where t adds up to 1."""

    def forward(x: Tensor, t: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        return -(t * x.log_softmax(-1)).sum() / len(x), (x, t)

    def backward(kept: tuple[Tensor, Tensor], above: Tensor) -> tuple[Tensor, None]:
        x, t = kept
        return above * (factor * x.softmax(-1) - t) / len(x), None

    return forward, backward


def test_numbers_of_both_signs_are_no_shares() -> None:
    """They add up to 1 by chance."""
    given = {"x": torch.tensor([[3.0, -2.0]])}
    assert parted(given, {"x": torch.tensor([[3.0]])})["x"].item() == 3.0


def test_a_row_of_which_nothing_is_left_is_one_hot() -> None:
    """As of hard targets whose columns are cut."""
    given = {"t": torch.eye(3)}
    assert torch.equal(parted(given, {"t": torch.eye(3)[:, :2]})["t"][2], torch.tensor([1.0, 0.0]))


@pytest.mark.medium
@pytest.mark.parametrize("shape", [(5, 7), (16, 3000)], ids=["few", "many"])
@pytest.mark.parametrize("hard", [False, True], ids=["soft", "one-hot"])
def test_soft_targets_stay_shares(shape: tuple[int, int], hard: bool) -> None:
    """With one column, with a thousand, and with the few rows of a large point."""
    draws = torch.Generator().manual_seed(0)
    x, t = (torch.randn(shape, generator=draws, dtype=torch.float64) for _ in range(2))
    t = functional.one_hot(t.argmax(-1), shape[1]).to(x) if hard else t.softmax(-1)

    def reference(x: Tensor, t: Tensor) -> Tensor:
        return functional.cross_entropy(x, t)

    report = check_function(soft_cross_entropy(), reference, x, t, wrt=[0])
    assert report.agrees, report
    assert not check_function(soft_cross_entropy(1.01), reference, x, t, wrt=[0], draws=0, ways=[])


@pytest.mark.parametrize("columns", [2, 12])
def test_halves_of_a_table_stay_alike(columns: int) -> None:
    """Cosines of a rotation twice, or sines whose first half is negative; not what is not a table."""
    half = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    given = {"cos": torch.cat([half, half], -1), "sin": torch.cat([-half, half], -1), "x": torch.arange(8.0)}
    kept = torch.arange(columns) % 8
    found = parted(given, {name: value[..., kept] for name, value in given.items()})
    one, other = found["cos"].chunk(2, -1)
    assert torch.equal(one, other)
    assert torch.equal(one, half[:, torch.arange(columns // 2) % 4] if columns == 2 else given["cos"][:, :6])
    one, other = found["sin"].chunk(2, -1)
    assert torch.equal(one, -other)
    assert torch.equal(found["x"], given["x"][kept])
    odd = parted(given, {name: value[..., :3] for name, value in given.items()})
    assert torch.equal(odd["cos"], half[:, :3])
    mask = torch.tensor([True, False, True, False])
    assert torch.equal(parted({"mask": mask}, {"mask": mask[:2]})["mask"], mask[:2])
    assert torch.equal(parted({"one": half[:, :1]}, {"one": half[:, :2]})["one"], half[:, :2])


@pytest.mark.medium
def test_a_rotation_that_reads_one_half_agrees() -> None:
    """As Liger's rotary embedding does (liger_kernel 0.8.5): at two columns of its table it was wrong."""
    turned = torch.arange(5.0)[:, None] * torch.tensor([1.0, 0.5, 0.25])
    cosine, sine = (torch.cat([part, part], -1) for part in (turned.cos(), turned.sin()))
    x = torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(0))

    def rotated(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        one, other = x.chunk(2, -1)
        return x * cosine + torch.cat([-other, one], -1) * sine

    def by_half(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        (one, other), c, s = x.chunk(2, -1), cosine.chunk(2, -1)[0], sine.chunk(2, -1)[0]
        return torch.cat([one * c - other * s, other * c + one * s], -1)

    report = check_function(by_half, rotated, x, cosine, sine, wrt=[0], order=1, ways=["columns", "lengths"])
    assert report.agrees, report


def size(x: Tensor) -> Tensor:
    """Of complex numbers, as kymatio keeps them: two real ones in the last dimension."""
    return torch.hypot(x[..., 0], x[..., 1])


def d_size(ctx: Any, above: Tensor) -> Tensor:
    (x,) = ctx.saved_tensors
    return above.unsqueeze(-1) * x / size(x).unsqueeze(-1)


def test_places_that_a_reference_never_reads_are_warned_of() -> None:
    """A last dimension of two is no number of columns."""
    report = check_function(function(saving(size), d_size), size, PAIRS, ways=["columns"], order=1)
    assert report, str(report)
    assert "columns it returns others than the reference" in report.warnings[0]


def test_those_that_it_reads_are_judged_at_other_sizes() -> None:
    """Of more columns the first two are wrong as well."""
    wrong = function(
        saving(size), lambda ctx, above: d_size(ctx, above) * (ctx.saved_tensors[0].shape[-1] / 2)
    )
    assert check_function(wrong, size, PAIRS, ways=[], order=1)
    assert dict(check_function(wrong, size, PAIRS, ways=["columns"], order=1).ways) == {"columns": "fails"}


def test_what_is_wrong_where_it_reads_is_judged_at_other_sizes() -> None:
    """Of more columns the others are zero, as they must be, and more of them than are wrong."""

    def backward(ctx: Any, above: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        found = above.unsqueeze(-1) * x / size(x).unsqueeze(-1) * (x.shape[-1] / 2)
        return torch.cat([found[..., :2], torch.zeros_like(found[..., 2:])], -1)

    wrong = function(saving(size), backward)
    assert check_function(wrong, size, PAIRS, ways=[], order=1)
    assert dict(check_function(wrong, size, PAIRS, ways=["columns"], order=1).ways) == {"columns": "fails"}


def test_a_reference_that_read_a_part_says_what_it_reads_of_more() -> None:
    """Two of three columns were read: that it reads two of many is no matter of their places."""

    def backward(ctx: Any, above: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        found = above.unsqueeze(-1) * x / size(x).unsqueeze(-1)
        return torch.cat([found[..., :2], torch.zeros_like(found[..., 2:3]), found[..., 3:]], -1)

    wrong, three = function(saving(size), backward), torch.cat([PAIRS, PAIRS[..., :1]], -1)
    assert check_function(wrong, size, three, ways=[], order=1)
    assert dict(check_function(wrong, size, three, ways=["columns"], order=1).ways) == {"columns": "fails"}


def unsorted(x: Tensor, order: Tensor, inverse: Tensor) -> Tensor:
    """What was sorted, as it was: the forward pass reads the inverse alone."""
    return x[inverse]


def test_an_inverse_that_is_no_longer_one_is_warned_of() -> None:
    """A backward that gathers by the order itself is right for what belongs together (Reformer's)."""
    gathers = function(
        lambda ctx, x, order, inverse: (setattr(ctx, "order", order), unsorted(x, order, inverse))[1],
        lambda ctx, above: (above[ctx.order], None, None),
    )
    ways = ["repeated indices", "equal values", "columns"]
    report = check_function(gathers, unsorted, ROWS, ORDER, ORDER.argsort(), ways=ways, order=1)
    assert report, str(report)
    assert any("at repeated indices it returns others" in told for told in report.warnings)


def test_indices_that_are_read_are_judged_where_they_repeat() -> None:
    """The last of those that are one row's is not all of them."""

    def last(ctx: Any, above: Tensor) -> tuple[Tensor, None]:
        _, inverse = ctx.saved_tensors
        return torch.zeros_like(above).index_copy(0, inverse, above), None

    def taken(x: Tensor, inverse: Tensor) -> Tensor:
        return x[inverse]

    wrong = function(saving(taken), last)
    assert check_function(wrong, taken, ROWS, ORDER, ways=[], order=1)
    assert not check_function(wrong, taken, ROWS, ORDER, ways=["repeated indices"], order=1)
