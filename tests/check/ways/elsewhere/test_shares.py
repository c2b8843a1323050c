"""Soft targets add up to 1 in each row, at any other number of columns, too."""

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
