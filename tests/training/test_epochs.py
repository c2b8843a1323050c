"""An epoch's order, and the patience with which epochs are waited for."""

import math

import pytest
import torch

from manual_backprop.training.early_stopping import Best
from manual_backprop.training.minibatches import batches


def test_an_epoch_sees_every_row_once_in_an_order_of_its_own() -> None:
    """The seed and the epoch decide the order, and nothing else does."""
    torch.manual_seed(1)
    epochs = [torch.cat(list(batches(10, 4, seed, epoch))).tolist() for seed in (0, 1) for epoch in (0, 1)]
    torch.manual_seed(2)
    assert torch.cat(list(batches(10, 4, 0, 0))).tolist() == epochs[0]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4
    assert [len(rows) for rows in batches(10, 4, 0, 0)] == [4, 4, 2]
    assert [rows.tolist() for rows in batches(1, 1, 0, 0)] == [[0]]
    # The order is kept from version to version, so that a checkpoint goes on as it began.
    assert epochs[3] == torch.randperm(10, generator=torch.Generator().manual_seed(0x9E3779B1 + 1)).tolist()
    same = [torch.cat(list(batches(9, 4, seed, 0))).tolist() for seed in (2, 2 + 2**32)]
    assert same[0] == same[1]
    with pytest.raises(ValueError, match="at least one row, found 0"):
        next(batches(0, 4, 0, 0))
    with pytest.raises(ValueError, match="at least 1, found 0"):
        next(batches(4, 0, 0, 0))


def test_patience_ends_when_nothing_has_got_better() -> None:
    """The best is kept; a NaN is never better; without a patience there is no end."""
    best = Best()
    for epoch, loss in enumerate([3.0, 2.0, math.nan, 2.0, 2.5], start=1):
        best = best.updated(loss, epoch, {"epoch": torch.tensor(epoch)})
    assert (best.loss, best.epoch) == (2.0, 2)
    assert best.parameters is not None
    assert best.parameters["epoch"] == 2
    assert [best.is_over(epoch, 3) for epoch in (4, 5)] == [False, True]
    assert not best.is_over(1000, None)
