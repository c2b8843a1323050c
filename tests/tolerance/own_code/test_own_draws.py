"""Draws of the code's own roundings: what they may explain, and when no more are made."""

from itertools import count

import pytest
import torch
from torch import Tensor

from torch_reference.comparison import Row, Verdict
from torch_reference.tolerance.gradient_sums import sums
from torch_reference.tolerance.movement import Movement
from torch_reference.tolerance.own_code.own_draws import OwnDraws
from torch_reference.tolerance.own_code.own_roundings import forgiven


@pytest.mark.parametrize(("left", "is_hopeless"), [(0.4, False), (0.7, False), (0.98, True)])
def test_what_hardly_becomes_less_from_draw_to_draw_stays_outside(left: float, is_hopeless: bool) -> None:
    """Of what its own roundings explain few are outside after some draws, or few are expected to be at last.

    That none has come inside in the first draws says nothing: on a grid they may be the same.
    """
    value = torch.zeros(10_000, dtype=torch.float64)
    own = OwnDraws(
        value + 1.0,
        value,
        {"": value, **{which: each.abs() + 1e9 for which, each in sums(value + 1.0, value)}},
    )
    draws = torch.Generator().manual_seed(0)
    for sign in (1, -1, 1, -1):
        own.is_explained(own.value + 0.002 * sign)
    assert not own.is_hopeless()
    for _ in range(4):
        moves = torch.rand(10_000, generator=draws, dtype=torch.float64) > left
        for sign in (1.0, -1.0):
            assert not own.is_explained(own.value + sign * (0.02 + moves)) or not is_hopeless
    assert own.is_hopeless() is is_hopeless


def test_few_numbers_that_no_draw_has_moved_are_not_the_end_of_many() -> None:
    """1 − 1/(1 + eˣ) is 0 or 2⁻⁵³ in one draw of three; of a thousand such one has not moved in six."""
    off = torch.full((1000,), 1e-16, dtype=torch.float64)
    bounds = {"": torch.full_like(off, 1e-30), **{which: each.abs() for which, each in sums(off, off)}}
    own = OwnDraws(off, torch.zeros_like(off), bounds)
    draws = torch.ones_like(off).index_fill_(0, torch.tensor([3, 700]), 0.0)
    for sign in (1, -1):
        own.is_explained(off + sign * 2e-16 * draws)
    assert not own.is_inside()
    assert not own.is_hopeless(is_last=True)
    own.off[""][: len(off) // 2 + 1] = 1.0
    assert own.is_hopeless(is_last=True)


def test_what_changes_by_itself_is_moved_by_no_rounding() -> None:
    """A number that differs from call to call would else explain every mistake."""
    turns = count()

    def again() -> dict[str, Tensor]:
        return {"x": torch.full((3,), 1.0 + next(turns) % 3, dtype=torch.float64)}

    point = {"x": torch.full((3,), 2.5, dtype=torch.float64)}
    movement = Movement(lambda point: {"x": point["x"] * 1}, point)
    movement.at_least(1)
    wrong = again()
    rows = {"x": Row("x", Verdict.DIFFERS)}
    assert forgiven(rows, wrong, movement, again, anywhere=True) == rows


def test_what_is_not_seen_is_run_no_further() -> None:
    """No draw moves what runs past torch."""
    made, point = list[Tensor](), {"x": torch.full((3,), 2.5, dtype=torch.float64)}

    def again() -> dict[str, Tensor]:
        made.append(torch.from_numpy(point["x"].numpy() * (1 + 1e-12)))
        return {"x": made[-1]}

    movement = Movement(lambda point: {"x": point["x"] * 1}, point)
    movement.at_least(1)
    rows = {"x": Row("x", Verdict.DIFFERS)}
    assert forgiven(rows, again(), movement, again) == rows
    assert len(made) == 4


def test_a_draw_that_is_no_number_says_nothing_of_the_others() -> None:
    """E[x²] − E[x]² far from the mean is less than 0 in one draw of five, and its root is none there."""
    value = torch.ones(3, dtype=torch.float64)
    bounds = {"": value * 1e-9, **{which: each.abs() * 1e-9 for which, each in sums(value, value)}}
    own = OwnDraws(value, value - 0.5, bounds)
    for moved in ((0.4, -0.4, torch.nan), (torch.nan, 0.4, 0.4), (-0.4, torch.nan, -0.4)):
        explained = own.is_explained(value + torch.tensor(moved, dtype=torch.float64))
    assert explained
    nothing = OwnDraws(value, value - 0.5, bounds)
    assert not nothing.is_explained(value * torch.nan)


@pytest.mark.parametrize("sign", [1, -1])
def test_what_is_off_is_so_to_either_side(sign: int) -> None:
    """A number that is less, a sum that is, and a draw: all are asked for how far."""
    value, right = (
        torch.full((2, 4), 0.25 * sign, dtype=torch.float64),
        torch.zeros(2, 4, dtype=torch.float64),
    )
    wide = {"": right + 0.5, **{which: each.abs() + 9.0 for which, each in sums(value, right)}}
    own = OwnDraws(value, right, wide)
    assert own.is_again(value + 0.5 * sign)
    assert not own.is_again(value + 0.75 * sign)
    assert own.is_inside()
    for which in wide:
        assert not OwnDraws(value, right, {**wide, which: 0 * wide[which]}).is_inside()


def test_the_farthest_draw_of_both_sides_is_what_is_known() -> None:
    """And the draws explain no more than they are apart."""
    value, right = torch.zeros(4, dtype=torch.float64), torch.ones(4, dtype=torch.float64)
    own = OwnDraws(value, right, {"": 0 * right, **{which: 0 * each for which, each in sums(right, right)}})
    for draw in (-0.75, -0.5, -0.625):
        own.is_explained(value + draw)
    assert own.farthest[""].tolist() == [0.75] * 4
    assert own.moved[""].tolist() == [0.25] * 4
    own.is_explained(value + 0.125)
    assert own.farthest[""].tolist() == [0.75] * 4
    assert own.moved[""].tolist() == [0.75] * 4
