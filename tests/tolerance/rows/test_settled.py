"""The row that is shown of a result whose rows are settled by floors: its element that is nearest to one."""

import pytest
import torch

from torch_reference import Row, Verdict
from torch_reference.tolerance.rows.settled import worst_row

RIGHT = torch.tensor([[[1.0, -2.0, 4.0], [8.0, -1.0, 0.5]]], dtype=torch.float64)
FLOORS = torch.tensor([[[0.5, 0.5, 4.0], [4.0, 0.25, 0.5]]], dtype=torch.float64)
RATIOS = torch.tensor([[[0.25, -0.5, 0.5], [-0.25, 0.75, 0.0]]], dtype=torch.float64)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_element_nearest_to_its_floor_is_shown(sign: int) -> None:
    """Not the largest difference, nor the one whose floor is the largest part of it."""
    manual = RIGHT + sign * RATIOS * FLOORS
    assert worst_row("x", manual, RIGHT, FLOORS, 5, True, 0.125) == Row(
        "x",
        Verdict.AGREES,
        manual=-1.0 + sign * 0.1875,
        reference=-1.0,
        difference=0.1875,
        bound=0.25,
        ratio=0.75,
        index=(5, 1, 1),
        bluntness=0.125,
    )


def test_outside_of_floors_nothing_is_said_of_how_far() -> None:
    """Draws of its own say that."""
    assert worst_row("x", RIGHT + 2 * FLOORS, RIGHT, FLOORS, 0, False, None).ratio == 0.0
