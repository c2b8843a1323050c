"""The floors of a sample: what they are at zeros, at infinities, of a mean, and beside sums."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import layer_norm

from torch_reference.tolerance.movement import Movement
from torch_reference.tolerance.rows import blocks
from torch_reference.tolerance.rows.least import COPIES, DRAWS, of_columns
from torch_reference.tolerance.rows.sample import Sample

generator = torch.Generator().manual_seed(0)
x, up = torch.randn(2, 64, 16, generator=generator)
EVERY = torch.arange(64)


def moved(value: Tensor) -> Movement:
    """A softmax's gradient, for so many copies of the rows."""

    def reference(values: dict[str, Tensor]) -> dict[str, Tensor]:
        leaf = values["x"].detach().requires_grad_()
        return {"x": torch.autograd.grad(torch.softmax(leaf, -1), leaf, values["up"])[0]}

    movement = Movement(reference, {"x": value.repeat(COPIES, 1), "up": up.repeat(COPIES, 1)})
    movement.squares = {"x": torch.zeros_like(movement.expected["x"])}
    movement.at_least_a_pair(DRAWS)
    return movement


def normalised(offset: Tensor) -> Movement:
    """A layer norm with an offset, for so many copies of the rows."""

    def reference(values: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"y": layer_norm(values["x"], (16,), None, values["offset"])}

    movement = Movement(reference, {"x": x.repeat(COPIES, 1), "offset": offset})
    movement.squares = {"y": torch.zeros_like(movement.expected["y"])}
    movement.at_least_a_pair(DRAWS)
    return movement


def test_beside_an_offset_the_floor_is_that_of_what_it_was_added_to() -> None:
    """There an element may be nothing; a row that is a millionth of the others is no less sharp."""
    movement = normalised(2.0 * (EVERY[:16] % 2))
    whole = movement.expected["y"][EVERY]
    whole[7] *= 1e-6
    sample = Sample(movement, "y", 1.0, EVERY, whole)
    assert sample.offsets is not None
    floors = sample.floors(whole)
    assert floors[7].max() < 1e-5 * floors[6].max()
    sample.of_distance = 0.0
    is_nothing = (whole.abs() < 0.1) & (EVERY[:16] % 2 == 1)
    assert (floors > 2 * sample.floors(whole))[is_nothing].double().mean() > 0.5
    movement = normalised(torch.zeros(16))
    assert Sample(movement, "y", 1.0, EVERY, movement.expected["y"][EVERY]).offsets is None


def test_at_a_zero_the_floor_is_zero() -> None:
    """Where a mask of -inf leaves nothing, whatever its row and its column are."""
    movement = moved(x.masked_fill(torch.arange(16) == 3, -math.inf))
    whole = movement.expected["x"][EVERY]
    floors = Sample(movement, "x", 1.0, EVERY, whole).floors(whole)
    assert (floors[:, 3] <= torch.finfo(torch.float64).tiny).all()
    assert (floors[:, 4] > 1e-12).all()


def test_beside_an_infinity_no_floor_is_sharp() -> None:
    """Its column would have one of infinity."""
    movement = moved(x)
    whole = movement.expected["x"][EVERY]
    assert Sample(movement, "x", 1.0, EVERY, whole).is_sharp
    whole[5, 5] = math.inf
    assert not Sample(movement, "x", 1.0, EVERY, whole).is_sharp


def test_the_gradients_of_a_mean_are_taken_as_those_of_the_whole() -> None:
    """A sample's are larger, by its share of the rows, and so are its bounds."""
    movement = moved(x)
    whole = movement.expected["x"][EVERY]
    of_a_sum = Sample(movement, "x", 1.0, EVERY, whole)
    of_a_mean = Sample(movement, "x", 0.125, EVERY, 0.125 * whole)
    torch.testing.assert_close(of_a_mean.floors(0.125 * whole), 0.125 * of_a_sum.floors(whole))


def test_what_is_off_alike_everywhere_is_told_by_its_sums() -> None:
    """Half of each element's floor, to the same side."""
    movement = moved(x)
    whole = movement.expected["x"][EVERY]
    sample = Sample(movement, "x", 1.0, EVERY, whole)
    half = 0.5 * sample.floors(whole)
    signs = torch.where(torch.rand(whole.shape, generator=generator) < 0.5, -1.0, 1.0)
    random = sample.settled(whole + 0.02 * half * signs)
    assert random is not None
    assert random.inside.all()
    assert sample.settled(whole + half * (1 + EVERY.unsqueeze(1) % 2)) is None


def test_floors_are_no_larger_than_bounds() -> None:
    """Of no element of the sample, after all draws."""
    movement = moved(x)
    alone = Movement(movement.reference, {"x": x, "up": up})
    floors = Sample(movement, "x", 1.0, EVERY, alone.expected["x"]).floors(alone.expected["x"])
    alone.at_least(48)
    assert (floors <= 1.5 * alone.bound("x")).double().mean() > 0.999
    offset = torch.linspace(-3, 3, 16)
    movement = normalised(offset)
    alone = Movement(movement.reference, {"x": x, "offset": offset})
    floors = Sample(movement, "y", 1.0, EVERY, alone.expected["y"]).floors(alone.expected["y"])
    alone.at_least(48)
    assert (floors <= 1.5 * alone.bound("y")).double().mean() > 0.999


def test_a_column_is_no_less_sharp_where_its_sample_has_none_of_a_sign() -> None:
    """The few below zero, a thousand times as large, round in parts of themselves as all others do."""
    spreads = torch.full((8, 4), 1e-3, dtype=torch.float64)
    sample = torch.ones(8, 4, dtype=torch.float64)
    spreads[0, 0], sample[0, 0] = 1.0, -1000.0
    squares, above = torch.tensor([1e6, 1e6, 8.0, 8.0]).double(), torch.full((4,), 8.0).double()
    limit = of_columns(squares + above * (squares > 8), above, sample, spreads)
    torch.testing.assert_close(limit[1], limit[0])
    torch.testing.assert_close(limit[2:], torch.full((2,), 8.0**0.5 * 1e-3).double())


@pytest.mark.parametrize("size", [blocks.BLOCK, 128])
def test_what_blocks_tell_is_what_all_rows_do(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """All at once, and eight rows at a time."""
    monkeypatch.setattr(blocks, "BLOCK", size)
    movement = moved(x)
    whole = movement.expected["x"][EVERY]
    sample = Sample(movement, "x", 1.0, EVERY, whole)
    assert len(sample.blocks) == 64 * 16 // min(size, 64 * 16)
    squares = whole.square()
    of_all = {"sum over dimension 0": squares.sum(0), "sum over dimension 1": squares.sum(1)}
    for which, expected in {**of_all, "sum of all": squares.sum()}.items():
        torch.testing.assert_close(sample.squares[which], expected)
    wrong = whole.clone()
    wrong[13, 5] *= 1.01
    settled = sample.settled(wrong)
    assert settled is not None
    assert settled.inside.tolist() == [row != 13 for row in range(64)]
