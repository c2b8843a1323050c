"""Of code that torch does not see through, the other precision tells what its roundings explain."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from torch_reference import check_function
from torch_reference.comparison import Verdict
from torch_reference.tolerance.movement import Movement
from torch_reference.tolerance.own_code.other_precision import explained_by_another, moved_by_another
from torch_reference.tolerance.own_code.own_draws import OwnDraws
from torch_reference.tolerance.rounding.roundings import SPREAD, unit

FINE = pytest.mark.parametrize("dtype", [torch.float64, torch.float32])


def interpolated(slope: Callable[[Any, Any], Any] = lambda g, p: g - g * p) -> tuple[Callable, Callable]:
    """p x + (1 - p) y by numpy, as Chainer has its linear_interpolate (MIT licence), whose slope cancels."""

    def forward(p: Any, x: Any, y: Any) -> tuple[Any, Any]:
        return p * x + (1 - p) * y, (p, x, y)

    def backward(kept: Any, g: Any) -> tuple[Any, Any, Any]:
        p, x, y = kept
        return g * (x - y), g * p, slope(g, p)

    return forward, backward


def report(pair: Any, dtype: torch.dtype, **options: Any) -> Any:
    """The check of it in numpy's arrays, at weights some of which are near 1."""
    draws = np.random.default_rng(0)
    p = 1 - 10.0 ** -draws.uniform(0, 4, (5, 7))
    arrays = [
        each.astype(str(dtype)[6:]) for each in (p, draws.normal(size=p.shape), draws.normal(size=p.shape))
    ]
    return check_function(pair, lambda p, x, y: p * x + (1 - p) * y, *arrays, order=1, **options)


@pytest.mark.medium
@FINE
def test_what_numpys_roundings_explain_is_right(dtype: torch.dtype) -> None:
    """It was refused: of numpy's operations none is seen."""
    found = report(interpolated(), dtype)
    assert found, found
    assert "explained by its own roundings" in str(found)


@pytest.mark.medium
@pytest.mark.parametrize(
    ("dtype", "slope"),
    [
        (torch.float64, lambda g, p: (g - g * p) * (1 + 1e-12)),
        (torch.float64, lambda g, p: g - g * p + 1e-13),
        (torch.float32, lambda g, p: (g - g * p) * np.float32(1 + 1e-4)),
        (torch.float32, lambda g, p: g - g * p + np.float32(1e-5)),
        (torch.float64, lambda g, p: (g - g * p).astype("float32").astype(g.dtype)),
    ],
    ids=["a factor", "a constant", "a factor in float32", "a constant in float32", "float32 inside"],
)
def test_what_they_do_not_explain_differs(dtype: torch.dtype, slope: Callable[[Any, Any], Any]) -> None:
    """A mistake is of the same size in both precisions."""
    found = report(interpolated(slope), dtype, ways=[], draws=0)
    assert {each.name: each.row.verdict for each in found.findings}["inputs[2]"] is Verdict.DIFFERS


@FINE
def test_what_is_lost_altogether_is_a_rounding_where_nobody_gave_the_point(dtype: torch.dtype) -> None:
    """y + 1 of an ELU is 0 where it is e⁻⁸⁰: a rounding of 1, in either precision; twice that is none.

    A rounding of float32 in both is a mistake. What all of a row loses its sum does, too.
    """

    def slope(values: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"x": values["x"].exp()}

    x = torch.tensor([[-1.0, -1.0], [-80.0, -80.0]], dtype=dtype)
    movement = Movement(slope, {"x": x})
    movement.at_least(8)

    def explained(derive: Callable[[Tensor], Tensor], anywhere: bool = True) -> list[str]:
        bounds = {"": movement.bound("x"), **movement.sum_bounds("x")}
        own = {"x": OwnDraws(derive(x), movement.expected["x"], bounds)}
        return explained_by_another(own, movement, lambda values: {"x": derive(values["x"])}, anywhere)

    assert explained(lambda x: (x.exp() - 1) + 1) == ["x"]
    assert explained(lambda x: (x.exp() - 1) + 1, anywhere=False) == []
    assert explained(lambda x: (x.exp() - 1) + 1 + 20 * torch.finfo(dtype).eps) == []
    assert explained(lambda x: x.exp() + 2.0**-25) == []


def test_draws_of_one_kind_say_nothing_of_how_few_another_leaves() -> None:
    """What own roundings have left outside, again and again, the other precision explains in some draws."""

    def slope(values: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"x": (values["x"].exp() - 1) + 1}

    x = torch.linspace(-10, -1, 20_000, dtype=torch.float64).float()
    movement = Movement(lambda values: {"x": values["x"].exp()}, {"x": x})
    movement.at_least(8)
    own = OwnDraws(
        slope({"x": x})["x"], movement.expected["x"], {"": movement.bound("x"), **movement.sum_bounds("x")}
    )
    own.outside += [20_000] * 40
    assert explained_by_another({"x": own}, movement, slope, anywhere=False) == ["x"]
    assert 2 < len(own.outside) < 40


def test_what_is_far_off_is_run_few_times_more() -> None:
    """A mistake of many roundings is so in each draw."""
    x, calls = torch.linspace(-10, -1, 2000), list[int]()
    movement = Movement(lambda values: {"x": values["x"].exp()}, {"x": x})
    movement.at_least(4)

    def wrong(values: dict[str, Tensor]) -> dict[str, Tensor]:
        calls.append(1)
        return {"x": values["x"].exp() * 1.01}

    bounds = {"": movement.bound("x"), **movement.sum_bounds("x")}
    own = OwnDraws(wrong({"x": x})["x"], movement.expected["x"], bounds)
    assert explained_by_another({"x": own}, movement, wrong, anywhere=False) == []
    assert len(calls) < 10


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_rounding_of_another_precision_is_as_large_as_one_of_a_draw(dtype: torch.dtype) -> None:
    """Whose standard deviation is SPREAD u; that of a product's own rounding is less than a half."""
    x = torch.rand(20_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)
    movement = Movement(lambda values: {"x": values["x"] * values["x"]}, {"x": x})
    found = movement.expected
    moved = moved_by_another(found, movement, lambda values: {"x": values["x"] * values["x"]}, seed=0)
    deviation = float(((moved["x"] - found["x"]) / found["x"]).square().mean().sqrt())
    assert deviation == pytest.approx(SPREAD * unit(dtype), rel=0.1)


@pytest.mark.medium
@pytest.mark.parametrize(("factor", "expected"), [(1.0, Verdict.LOSES_DIGITS), (1.01, Verdict.DIFFERS)])
def test_what_loses_more_digits_here_may_lose_more_there(factor: float, expected: Verdict) -> None:
    """A variance of squares, far from zero, is off by more than a few roundings of the largest element."""

    def forward(x: Any) -> tuple[Any, Any]:
        off = x - x.mean(-1, keepdims=True)
        inverse = 1 / np.sqrt((x * x).mean(-1, keepdims=True) - x.mean(-1, keepdims=True) ** 2)
        return off / np.sqrt((off * off).mean(-1, keepdims=True)), (off * inverse, inverse)

    def backward(kept: Any, g: Any) -> Any:
        n, inverse = kept
        return (
            factor * inverse * (g - g.mean(-1, keepdims=True) - n * (g * n).mean(-1, keepdims=True))
        ).astype(g.dtype)

    x = np.random.default_rng(0).normal(100, 1, (8, 64)).astype("float32")
    norm = lambda x: nn.functional.layer_norm(x, x.shape[-1:], eps=0.0)  # noqa: E731
    found = check_function((forward, backward), norm, x, ways=[], order=1, draws=0)
    assert {each.name: each.row.verdict for each in found.findings}["inputs[0]"] is expected
