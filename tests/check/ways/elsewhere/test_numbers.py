"""Numbers of another kind than those given: of the other sign, whole, zero, counted from the end."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import gelu

from catalogue.ways.functions import function, saving, w, x
from torch_reference import check_function
from torch_reference.check.ways.elsewhere.ordinary import to_be_compared

TWOS = torch.full((4, 3), 2.0, dtype=torch.float64)


def powers(ctx: Any, above: Tensor) -> tuple[Tensor, Tensor]:
    base, exponent = ctx.saved_tensors
    by_exponent = torch.where((base == 0) & (exponent >= 0), 0.0, base**exponent * base.log())
    return above * exponent * base.abs() ** (exponent - 1), above * by_exponent


@pytest.mark.medium
@pytest.mark.parametrize("wrt", [None, [0]])
def test_the_base_is_judged_where_the_exponent_has_no_derivative(wrt: list[int] | None) -> None:
    """Of a negative number there is no logarithm; of its square there is a slope."""
    power = function(saving(torch.pow), powers)
    report = check_function(power, torch.pow, w, TWOS, wrt=wrt, ways=["signs"], order=1)
    assert not report
    assert [finding.name for finding in report.findings if not finding.agrees] == ["inputs[0]"]


@pytest.mark.medium
def test_a_power_of_a_negative_number_has_a_bound() -> None:
    """2 - 1 is 1, exactly: a negative number has a power of no other number near it."""
    power = function(saving(torch.pow), powers)
    report = check_function(power, torch.pow, -w, TWOS, wrt=[0], ways=[])
    assert str(report).startswith("MISMATCH"), str(report)


def huber(errors: Tensor, width: Tensor) -> Tensor:
    sizes = errors.abs()
    return torch.where(sizes < width, errors**2 / 2, width * (sizes - width / 2))


def slopes(ctx: Any, above: Tensor) -> tuple[Tensor, Tensor]:
    errors, width = ctx.saved_tensors
    beyond = torch.where(errors.abs() < width, 0.0, errors.abs() - width)
    return above * torch.maximum(torch.minimum(errors, width), -width), (above * beyond).sum()


def test_of_a_width_below_zero_a_report_only_warns() -> None:
    """It has no meaning there, and still a value."""
    width = torch.tensor(0.5, dtype=torch.float64)
    report = check_function(function(saving(huber), slopes), huber, x, width, ways=["signs"], order=1)
    assert report, str(report)
    [warning] = report.warnings
    assert warning.startswith("with the other sign of numbers of inputs[1] it returns others")


@pytest.mark.medium
def test_a_kink_is_one_from_either_side() -> None:
    """One zero is beside numbers above it as well as below."""
    ones = function(saving(torch.relu), lambda ctx, above: above * (ctx.saved_tensors[0] >= 0))
    report = check_function(ones, torch.relu, x, ways=["zeros"], order=1)
    assert report, str(report)


@pytest.mark.medium
def test_a_word_that_is_a_place_in_a_list_is_no_dimension() -> None:
    """modes[-2] is modes[1], of three; a function that compares with 1 has no -2."""

    def reduced(x: Tensor, mode: int) -> Tensor:
        return [torch.sum, torch.mean, torch.amax][mode](x, dim=-1)

    def backward(ctx: Any, above: Tensor) -> tuple[Tensor, None]:
        share = above[:, None].expand(ctx.shape)
        return share / ctx.shape[-1] if ctx.mode == 1 else share, None

    def forward(ctx: Any, x: Tensor, mode: int) -> Tensor:
        ctx.shape, ctx.mode = x.shape, mode
        return reduced(x, mode)

    report = check_function(function(forward, backward), reduced, x, 1, ways=["options"], order=1)
    assert "[1] = -2" not in str(report)


@pytest.mark.medium
def test_a_pairs_outputs_are_compared_at_other_points() -> None:
    """Where inputs are about as large as those given: elsewhere an assignment's may overflow or cancel."""
    given = x[0, 0].item()

    def forward(x: Tensor) -> tuple[Tensor, None]:
        return x * (5 if x[0, 0] == given else 5.01), None

    pair = forward, lambda _, above: above * 5
    report = check_function(pair, lambda x: x * 5, x, ways=["redrawn"], order=1)
    assert [finding.name for finding in report.findings if not finding.agrees] == ["outputs[0]"]
    cancels = (lambda x: (x.exp() - 1, x)), lambda x, above: above * x.exp()
    report = check_function(cancels, torch.expm1, 1 + w, ways=["scales"], order=1)
    assert report, str(report)


def scaled(x: Tensor, exponent: Tensor) -> Tensor:
    return x * 2.0**exponent


@pytest.mark.medium
def test_integers_may_be_negative_where_the_reference_takes_that() -> None:
    """As in pytorch#187460, where a power of two was one of integers."""

    def backward(ctx: Any, above: Tensor) -> tuple[Tensor, None]:
        exponent = ctx.saved_tensors[1]
        return above * torch.where(exponent < 0, 0, 2 ** exponent.clamp(min=0)), None

    exponents = torch.tensor([[0, 1, 2]]).expand(4, 3).clone()
    ldexp = function(saving(scaled), backward)
    report = check_function(ldexp, scaled, x, exponents, ways=["whole numbers"], order=1)
    assert report.ways == (("whole numbers", "fails"),)


@pytest.mark.medium
@pytest.mark.parametrize(("given", "shown"), [(1, -1), (0, -1)])
def test_a_shift_has_a_sign(given: int, shown: int) -> None:
    """And a dimension that is counted from the end is none that a backward may refuse."""

    def forward(ctx: Any, x: Tensor, shift: int) -> Tensor:
        ctx.shift = shift
        return x.roll(shift, 0)

    def backward(ctx: Any, above: Tensor) -> tuple[Tensor, None]:
        return above.roll(-abs(ctx.shift), 0), None

    report = check_function(
        function(forward, backward), lambda x, shift: x.roll(shift, 0), x, given, ways=["options"], order=1
    )
    assert not report
    assert f"with inputs[1] = {shown} in place of {given}" in str(report)


@pytest.mark.medium
def test_another_word_that_torch_takes_is_tried() -> None:
    """An approximation, as in tenstorrent/tt-metal#48240, whose backward knew no other."""

    def exact(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        density = torch.exp(-x * x / 2) / (2 * torch.pi) ** 0.5
        return g * (torch.special.ndtr(x) + x * density), None

    def forward(ctx: Any, x: Tensor, approximate: str) -> Tensor:
        ctx.save_for_backward(x)
        return gelu(x, approximate=approximate)

    plain = lambda x, approximate: gelu(x, approximate=approximate)  # noqa: E731
    report = check_function(function(forward, exact), plain, x, "none", ways=["options"], order=1)
    assert report.ways == (("options", "fails"),)


GIVEN = {"inputs[0]": torch.tensor([1.0, -2.0]), "d_loss_d_outputs[0]": torch.tensor([100.0])}
MADE = {"outputs[0]": torch.tensor([3.0])}


def compared(largest: float, made: dict[str, Tensor] = MADE, known: dict[str, Tensor] | None = None) -> bool:
    point = {"inputs[0]": torch.tensor([largest / 2, -largest]), "d_loss_d_outputs[0]": torch.tensor([1e9])}
    return bool(to_be_compared(made, known, point, GIVEN, 2.0))


@pytest.mark.parametrize(
    ("largest", "are"), [(2.0, True), (32.0, True), (33.0, False), (0.125, True), (0.12, False)]
)
def test_outputs_at_inputs_of_another_scale_are_not(largest: float, are: bool) -> None:
    """Sixteen times as large, or as small, is another one; what comes from above is none of the inputs."""
    assert compared(largest) is are


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_outputs_that_overflow_are_not(value: float) -> None:
    assert not compared(2.0, {"outputs[0]": torch.tensor([3.0]), "outputs[1]": torch.tensor([value])})


def test_what_is_known_is_not_compared_again() -> None:
    """At the given point, where only another output says something new, of any scale."""
    assert not compared(2.0, known=MADE)
    assert compared(200.0, known={"outputs[0]": torch.tensor([3.5])})
    assert compared(200.0, known={"outputs[1]": torch.tensor([3.0])})
