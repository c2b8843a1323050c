"""Before anything is refused: equal values may all be off alike, and a movement may hide on the grid."""

import math
from functools import partial

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference import check_function
from torch_reference.comparison import Verdict
from torch_reference.tolerance.movement import Movement
from torch_reference.tolerance.rounding.equal_values import RoundingsOfValues, is_often_equal
from torch_reference.tolerance.second_look import CoarseRun, coarse_movements, sizes_of_terms
from torch_reference.tolerance.unfinished import Unfinished, _is_known
from torch_reference.tolerance.verdicts import Tolerance


def randn(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    """Drawn in float64, so that each dtype has the same numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def plain_gelu(x: Tensor) -> Tensor:
    """The formula, with a cancellation that torch's own vectorised code has elsewhere."""
    return x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))


@pytest.mark.parametrize("value", [-2.9, -1.7, 0.7, 1.0])
def test_a_constant_input_is_as_far_off_everywhere(value: float) -> None:
    """The sum of equal errors is no sum of independent ones: torch's GELU is right there."""
    x = torch.full((8, 64), value, dtype=torch.float32)
    report = check_function(functional.gelu, plain_gelu, x, ways=[], redraw=False)
    assert report.agrees, report


@pytest.mark.medium
def test_a_small_factor_shows_at_a_constant_input_too() -> None:
    """1e-5 is a hundred roundings of float32: equal or not, no right one is so far off."""
    x = torch.full((8, 64), 0.7, dtype=torch.float32)
    report = check_function(lambda x: functional.gelu(x) * (1 + 1e-5), plain_gelu, x, ways=[], redraw=False)
    assert not report.agrees


@pytest.mark.medium
def test_equal_rows_by_their_ids() -> None:
    """Rows of a table, each met many times, are equal though the table's are not."""
    table, ids = randn(5, 16, dtype=torch.float32), torch.arange(200) % 5
    assert is_often_equal(ids)
    report = check_function(
        lambda table: functional.gelu(table[ids]), lambda table: plain_gelu(table[ids]), table, order=1
    )
    assert report.agrees, report


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_random_numbers_are_not_often_equal(dtype: torch.dtype) -> None:
    """There are few numbers in 16 bits, and what rounds to one of them was not equal; zeros do not round."""
    for numbers in (randn(64, 512), randn(64, 512).exp(), randn(64, 512).relu(), torch.eye(64)):
        assert not is_often_equal(numbers.to(dtype))
    assert is_often_equal(randn(64, 1).expand(64, 512).to(dtype))


def test_equal_elements_get_equal_roundings() -> None:
    """And different ones different roundings, in every dtype."""
    for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.complex64):
        values = torch.arange(1, 9, dtype=torch.float64).to(dtype).repeat(3, 1)
        moved = values.clone()
        RoundingsOfValues(0).move(moved, 1e-2)
        assert torch.equal(moved, moved[:1].expand_as(moved))
        assert len((moved[0] / values[0]).abs().float().unique()) > 4


@pytest.mark.parametrize("seed", range(20))
def test_what_cancels_to_nothing_is_no_finding(seed: int) -> None:
    """Under a constant upstream gradient that of a softmax is zero to rounding, whatever one draw says."""

    def quotient(x: Tensor) -> Tensor:
        return torch.exp(x) / torch.exp(x).sum(-1, keepdim=True)

    def derivative(inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        x = inputs["x"].detach().requires_grad_()
        with torch.enable_grad():
            [found] = torch.autograd.grad(quotient(x), x, inputs["up"].expand_as(x))
        return {"d": found}

    inputs = {"x": randn(6, 16, seed=seed), "up": randn(1, seed=seed + 100)}
    y = inputs["x"].softmax(-1)
    by_hand = y * (inputs["up"] - (inputs["up"] * y).sum(-1, keepdim=True))
    [row] = Tolerance(derivative, inputs).rows({"d": by_hand}, fewest=1).values()
    assert row.agrees, row


def test_a_coarse_movement_is_that_of_many_draws() -> None:
    """To first order: four coarse draws are within a factor of the largest of 48 fine ones."""
    x = randn(200, dtype=torch.float64)
    movement = Movement(lambda inputs: {"y": (inputs["x"] * 1.1).sin().exp()}, {"x": x})
    movement.at_least(48)
    coarse = coarse_movements(movement)[0]["y"]
    assert 0.2 < float((coarse / movement.moved["y"]).median()) < 1.0


def test_the_sizes_of_a_sums_roundings_are_reckoned_in_the_first_coarse_draw() -> None:
    """And move the others as far as their own would."""
    x = torch.randn(64, 48, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    reference = lambda inputs: {"y": inputs["x"] @ inputs["x"].T}  # noqa: E731
    shared, anew = (Movement(reference, {"x": x}) for _ in range(2))
    coarse_movements(shared, 1)
    first = [*shared.coarse_sizes]
    for draws in range(1, 5):
        anew.coarse_sizes.clear()
        coarse_movements(anew, draws)
        coarse_movements(shared, draws)
    assert first
    assert all(one is other for one, other in zip(first, shared.coarse_sizes, strict=True))
    assert torch.allclose(shared.coarse[0]["y"], anew.coarse[0]["y"], rtol=1e-6)


def test_what_is_wrong_by_more_than_all_digits_needs_one_coarse_draw() -> None:
    """Twice the value in float64; what is off by some hundred times the bound needs all four."""
    for factor, draws in ((2.0, 1), (1 + 1e-13, 4)):
        tolerance = Tolerance(lambda inputs: {"y": inputs["x"].sin().exp()}, {"x": randn(20, seed=2)})
        [row] = tolerance.rows({"y": factor * tolerance.movement.expected["y"]}).values()
        assert row.verdict is Verdict.DIFFERS
        assert tolerance.movement.coarse_draws == draws


def test_terms_are_as_large_where_the_reference_works_in_float32() -> None:
    """The conversion inside rounds by more than what moves the terms, which then seemed far larger."""

    def of_unit(point: dict[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
        x = point["x"].detach().requires_grad_()
        wide = x.to(dtype)
        (found,) = torch.autograd.grad((wide / wide.norm(dim=-1, keepdim=True)).sum(), x)
        return {"x": found}

    x = randn(4, 3, dtype=torch.bfloat16)
    inside, outside = (
        sizes_of_terms(Movement(partial(of_unit, dtype=dtype), {"x": x}), "x")
        for dtype in (torch.float32, torch.float64)
    )
    assert torch.allclose(inside, outside, rtol=1e-3)


def test_what_a_mask_holds_at_zero_takes_no_forty_draws_to_be_wrong() -> None:
    """It moves by neither fine roundings nor coarse ones: no further draw tells more."""
    x, mask = randn(6, 16, dtype=torch.float64), torch.zeros(16, dtype=torch.bool)
    tolerance = Tolerance(lambda inputs: {"y": inputs["x"].sin() * mask}, {"x": x})
    [row] = tolerance.rows({"y": x.sin()}).values()
    assert row.verdict is Verdict.DIFFERS
    assert row.wrong_elements == 6 * 16
    assert tolerance.movement.draws < 8


def test_two_roundings_behind_each_other_do_not_cancel() -> None:
    """Those of 1 + e⁻ˣ and of its logarithm did in one draw of seven, when the small ones were all alike."""
    x = torch.full((8192,), 39.75, dtype=torch.float64)
    with CoarseRun(0):
        found = (1 + (-x).exp()).log()
    assert found.all()


def test_a_logarithm_of_nearly_one_is_no_other_formula_in_float64() -> None:
    """It is 0 where the reference has 3e-19: of many such numbers a few were said to differ."""
    x = torch.full((64, 512), 39.75, dtype=torch.bfloat16)

    def forward(x: Tensor) -> tuple[Tensor, Tensor]:
        wide = x.float()
        return (wide.clamp(max=0) - (1 + (-wide.abs()).exp()).log()).to(x.dtype), x

    own = forward, lambda x, above: (above.float() * torch.sigmoid(-x.float())).to(x.dtype)
    report = check_function(own, lambda x: functional.logsigmoid(x.float()).to(x.dtype), x, ways=[], draws=0)
    assert report.findings[0].agrees


def test_what_has_not_moved_in_the_first_coarse_draw_is_not_known() -> None:
    """It may by chance; after the last one, what moves by nothing is moved by nothing."""
    moved, coarsely = torch.tensor([0.0, 0.0, 1.0, 1.0]), torch.tensor([0.0, 1.0, 0.0, 1.0])
    assert _is_known(moved, coarsely, last=False).tolist() == [False, False, False, True]
    assert _is_known(moved, coarsely, last=True).tolist() == [True, False, True, True]


@pytest.mark.parametrize(("times", "most"), [(30.0, 20), (100.0, 12), (1000.0, 8)])
def test_what_is_far_outside_is_certain_before_all_draws_are_made(times: float, most: int) -> None:
    """It was so after 40, whatever lay between: the coarse roundings alone explain less by 10,000 times."""
    x = torch.linspace(0.5, 2.0, 40)
    movement = Movement(lambda values: {"y": (values["x"].exp() * values["x"]).cumsum(0)}, {"x": x})
    wrong = movement.expected["y"].clone()
    movement.at_least(4)
    wrong[17] += times * movement.bound("y")[17]
    unfinished = Unfinished(movement, "y", wrong)
    for draw in range(4, 40):
        movement.at_least(draw)
        if unfinished.is_settled(draw, 4):
            break
    assert draw <= most
