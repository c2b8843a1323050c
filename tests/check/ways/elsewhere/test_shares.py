"""What constants are stays so at any other number of columns: shares add up to 1, halves are alike."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference import check_function
from torch_reference.check.ways.elsewhere.partitions import parted


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
