"""What a check allows besides rounding, and what its ways of calling share."""

from itertools import count

import pytest
import torch
from torch import Tensor

from torch_reference import Verdict, check_derivation, check_function
from torch_reference.judging.function_objective import FunctionObjective
from torch_reference.judging.judgement import judge
from torch_reference.tolerance.meant import meant, tolerance_at
from torch_reference.tolerance.rounding import roundings
from torch_reference.tolerance.rounding.roundings import Roundings

x = torch.linspace(-2, 3, 24, dtype=torch.float64).reshape(4, 6)


def test_an_approximation_by_design_is_allowed_by_its_relative_error() -> None:
    """A derivative with four digits: refused without rtol, and the report says how much was allowed."""

    def backward(saved: Tensor, g: Tensor) -> Tensor:
        return g * (1 - saved.tanh() ** 2) * (1 + 1e-5)

    four_digits = (lambda x: (x.tanh(), x)), backward
    assert not check_function(four_digits, torch.tanh, x, draws=0).agrees
    report = check_function(four_digits, torch.tanh, x, rtol=1e-4)
    assert report.agrees
    assert "agrees within a relative error of 0.0001, which is allowed" in str(report)
    assert "all within rounding or what is allowed (float64)" in repr(report)
    assert not check_function(four_digits, torch.tanh, x, rtol=1e-6, draws=0).agrees


def test_two_calls_that_differ_within_what_is_allowed_are_not_within_rounding() -> None:
    """Noise of 1e-5, another in each call, where 1e-4 is allowed."""
    calls = count(1)
    noisy = (lambda x: (2 * x, None)), lambda _, g: 2 * g * (1 + 1e-5 / next(calls))
    report = check_function(noisy, lambda x: 2 * x, x, rtol=1e-4, ways=[], order=1)
    assert report.agrees
    told = " ".join(str(report).split())
    assert "two calls differ by up to" in told
    assert "within what is allowed" in told


@pytest.mark.medium
def test_a_loss_of_digits_is_accepted_by_name() -> None:
    """A sum taken one after another in bfloat16."""
    torch.manual_seed(0)
    x, w, g = torch.randn(300, 40).bfloat16(), torch.randn(40).bfloat16(), torch.randn(300, 40).bfloat16()
    total = torch.zeros_like(w)
    for one in g * x:
        total = total + one
    point = {"inputs[0]": x, "inputs[1]": w, "d_loss_d_outputs[0]": g}
    asked = {"inputs[1]": total}, FunctionObjective(torch.mul), point, {"inputs[1]": (40,)}
    assert judge(*asked)["inputs[1]"].verdict is Verdict.LOSES_DIGITS
    with meant(accept=("loses digits",)):
        assert judge(*asked)["inputs[1]"].agrees


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rtol": -1.0}, "rtol: expected a number of 0 or more, found -1.0"),
        ({"rtol": None}, "rtol: expected a number of 0 or more, found None"),
        (
            {"accept": ("differs",)},
            "accept: expected some of 'loses digits', 'inconclusive', found 'differs'",
        ),
    ],
)
def test_what_cannot_be_allowed_is_said_in_one_line(options: dict[str, object], message: str) -> None:
    """By both checks."""
    model = torch.nn.Linear(1, 1)
    for call in (
        lambda: check_function(torch.tanh, torch.tanh, x, **options),  # type: ignore[arg-type]
        lambda: check_derivation(model, lambda y, t: y.sum(), torch.ones(1, 1), None, dict, **options),  # type: ignore[arg-type]
    ):
        with pytest.raises(ValueError, match=message.replace("(", r"\(")):
            call()


def test_ways_that_share_a_point_share_its_bounds() -> None:
    """By the numbers of the point, whatever its strides; outside of a check nothing is kept."""
    owner = object()

    def reference(values: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"x": values["x"] * 3, "y": values["x"] * 5}

    spread = torch.stack((x, x), -1)[..., 0]
    with meant():
        first = tolerance_at(owner, "", ("x", "y"), reference, {"x": x})
        assert tolerance_at(owner, "", ("x",), reference, {"x": spread}) is first
        assert tolerance_at(owner, "", ("x",), reference, {"x": x + 1}) is not first
        assert tolerance_at(owner, "other", ("x",), reference, {"x": x}) is not first
        assert tolerance_at(object(), "", ("x",), reference, {"x": x}) is not first
    assert tolerance_at(owner, "", ("x",), reference, {"x": x}) is not first


def test_what_many_draws_have_drawn_is_freed() -> None:
    """What few have is kept: nearly all checks draw the same."""
    at = torch.zeros(2**15)
    for draws in (4, 4, roundings.FEW + 1):
        with meant():
            for seed in range(draws):
                Roundings(seed).move(at, 1e-7)
        assert (roundings._drawn.cache_info().currsize > 0) is (draws == 4)
