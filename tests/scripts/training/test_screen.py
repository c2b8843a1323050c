"""The bar of a training, in a terminal of any width."""

import pytest

from training.screen import fitted


@pytest.mark.parametrize("width", [20, 40, 52, 60, 80, 120])
def test_the_losses_leave_the_bar_its_room(width: int) -> None:
    """They are cut, and left out where less than a word would remain."""
    losses = "training loss 0.699, validation loss 0.7, validation accuracy 0.5"
    shown = fitted(losses, width)
    assert len(shown) <= max(width - 52, 0)
    assert shown == losses or not shown or (len(shown) >= 8 and shown.endswith("…"))
