"""Points at the border of what a reference takes, and points inside of it where most others are not."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 # torch's own name for it

from catalogue.ways.functions import function, saving
from torch_reference import check_function
from torch_reference.check.ways.elsewhere.domain import _grows, _jumps, are_finite
from torch_reference.comparison import Verdict

seeded = torch.Generator().manual_seed(0)
PROBABILITIES = torch.rand(40, dtype=torch.float64, generator=seeded)
TARGETS = torch.ones(40, dtype=torch.float64)


def forward(p: Tensor, t: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    return -(t * p.log() + (1 - t) * (1 - p).log()).mean(), (p, t)


def backward(saved: tuple[Tensor, Tensor], d_loss: Tensor) -> tuple[Tensor, None]:
    p, t = saved
    return d_loss * (p - t) / (p * (1 - p)) / p.numel(), None


def wrong_elsewhere(saved: tuple[Tensor, Tensor], d_loss: Tensor) -> tuple[Tensor, None]:
    right, _ = backward(saved, d_loss)
    return right * saved[0][0] / PROBABILITIES[0], None


@pytest.mark.parametrize("way", ["zero rows", "units"])
def test_a_probability_of_zero_or_one_is_at_the_border(way: str) -> None:
    """The reference keeps its pole there finite; nobody need."""
    report = check_function(
        (forward, backward), F.binary_cross_entropy, PROBABILITIES, TARGETS, wrt=[0], ways=[way]
    )
    assert report, str(report)
    assert report.ways == ((way, "cannot apply"),)


def test_no_number_at_the_border_is_warned_of_where_the_value_is_finite() -> None:
    """A power of a learnt exponent: 0² log 0 is 0, and so is the reference's."""
    power = function(saving(torch.pow), powers)
    report = check_function(power, torch.pow, PROBABILITIES, 1 + PROBABILITIES, ways=["zeros"], order=1)
    assert report, str(report)
    told = "it returns nan where the reference has a number: inputs[0], inputs[1]"
    assert report.warnings[0].endswith(told)


def powers(ctx: Any, above: Tensor) -> tuple[Tensor, Tensor]:
    x, y = ctx.saved_tensors
    return above * y * x ** (y - 1), above * x**y * x.log()


def test_probabilities_are_drawn_anew() -> None:
    """Of 40 numbers times one of their own some are above 1, and a target of 1 can only become smaller."""
    report = check_function(
        (forward, wrong_elsewhere),
        F.binary_cross_entropy,
        PROBABILITIES,
        TARGETS,
        wrt=[0],
        ways=["redrawn"],
        order=1,
    )
    assert not report
    assert report.ways == (("redrawn", "fails"),)


def test_a_row_of_zeros_is_inside_where_the_reference_takes_all_beside_it() -> None:
    x = torch.randn(3, 4, dtype=torch.float64, generator=seeded)

    def unit_rows(x: Tensor) -> Tensor:
        return x / x.norm(dim=-1, keepdim=True)

    report = check_function(unit_rows, F.normalize, x, ways=["zero rows"], order=1)
    verdicts = {each.name: each.row.verdict for each in report.findings}
    assert verdicts == {"outputs[0]": Verdict.NAN, "inputs[0]": Verdict.NAN}  # no output that is right


def test_an_error_where_one_derivative_is_no_number_is_no_oversight() -> None:
    """A matrix of equal rows has no inverse: the other input's gradient alone is judged there."""

    def backward(ctx: Any, above: Tensor, d_logarithm: Tensor) -> tuple[Tensor, Tensor]:
        x, matrix = ctx.saved_tensors
        return 2 * x * above, d_logarithm * torch.linalg.inv(matrix).mT

    def reference(x: Tensor, matrix: Tensor) -> tuple[Tensor, Tensor]:
        return x**2, torch.linalg.slogdet(matrix)[1]

    x, matrix = torch.randn(2, 3, 3, dtype=torch.float64, generator=seeded)
    mine = function(saving(reference), backward)
    report = check_function(mine, reference, x[:2], matrix, ways=["equal values"], order=1)
    assert report.agrees, report


@pytest.mark.parametrize("is_pole_left_out", [False, True])
def test_at_a_pole_each_number_is_judged_where_nothing_is_special(is_pole_left_out: bool) -> None:
    """A gradient by angles has none at x = y = 0, and 0 is no substitute: the function is smooth there."""

    def harmonics(x: Tensor) -> Tensor:
        return torch.stack([x[:, 2] ** 2 - x.square().sum(1) / 3, x[:, 0] * x[:, 2]], 1)

    def backward(ctx: Any, above: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        squared = x * torch.tensor([-2.0, -2.0, 4.0], dtype=x.dtype) / 3
        product = torch.stack([x[:, 2], 0 * x[:, 0], x[:, 0]], 1)
        found = above[:, :1] * squared + above[:, 1:] * product
        is_pole = (x[:, :2] == 0).all(1, keepdim=True)
        return torch.where(is_pole, 0.0, found) if is_pole_left_out else found

    vectors = torch.tensor([[0.3, -0.7, 0.2], [0.5, 0.1, -0.4], [-0.9, 0.6, 0.8]], dtype=torch.float64)
    call = function(saving(harmonics), backward), harmonics, vectors
    report = check_function(*call, ways=["units"], order=1, draws=0)
    assert report.agrees is not is_pole_left_out, report


def shares_of_norm(v: Tensor) -> Tensor:
    """Which has a kink at a zero, and no value at nothing but zeros."""
    return v.abs() / v.norm()


@pytest.mark.parametrize("length", [8, 200])
def test_no_number_at_a_zero_of_a_vector_is_a_mistake_at_a_kink_too(length: int) -> None:
    """Any slope is right there that is a number; the sign by v / |v| is none, in a long vector too."""

    def backward(ctx: Any, above: Tensor) -> Tensor:
        (v,) = ctx.saved_tensors
        norm = v.norm()
        return above * (v / v.abs()) / norm - (above * v.abs()).sum() * v / norm**3

    v = torch.randn(length, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    report = check_function(
        function(saving(shares_of_norm), backward), shares_of_norm, v, ways=["zero rows"], order=1, draws=0
    )
    assert report.ways == (("zero rows", "fails"),)


def test_a_corner_is_called_once_for_both_looks_at_it() -> None:
    """Whether all is finite there, and then each number."""
    calls = list[Tensor]()

    def backward(ctx: Any, above: Tensor) -> Tensor:
        calls.append(above)
        return above * ctx.saved_tensors[0].cos()

    v = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    made = []
    for ways in ([], ["zero rows"]):
        calls.clear()
        assert check_function(function(saving(torch.sin), backward), torch.sin, v, ways=ways, order=1)
        made.append(len(calls))
    assert made[1] - made[0] <= 3  # as it was given, at a row of zeros, at nothing but zeros


def test_outputs_are_finite_where_all_are() -> None:
    """Of none nothing is known."""
    one, infinite = torch.ones(2), torch.tensor([1.0, torch.inf])
    assert are_finite({"outputs[0]": one, "outputs[1]": one})
    assert not are_finite({"outputs[0]": one, "outputs[1]": infinite})
    assert not are_finite({})


def test_a_jump_is_as_large_at_any_distance_and_what_grows_is_none() -> None:
    """In parts of the largest number; of zeros alone, of a thousandth."""
    here = torch.tensor([1000.0, 0.0, 7.0, 5.0], dtype=torch.float64)
    there = here + torch.tensor([0.0, 0.009, -0.011, torch.nan])
    jumps = _jumps(here, there)
    assert jumps.tolist() == [False, False, True, True]
    assert _jumps(0 * here[:2], torch.tensor([0.9e-8, -1.1e-8], dtype=torch.float64)).tolist() == [
        False,
        True,
    ]
    assert _jumps(here[:0], here[:0]).tolist() == []
    number = jumps & here.isfinite() & there.isfinite()
    for farther, grows in ((8.0, True), (4.5, True), (3.0, False), (1.0, False)):
        for sign in (1, -1):
            assert (
                _grows(here, here + sign * (there - here), here + sign * farther * (there - here), number)
                is grows
            )
