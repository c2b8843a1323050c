"""What turns by itself is on both sides of the first pair that is looked at; most is known to agree then."""

from collections.abc import Callable, Mapping

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from torch_reference.comparison import Verdict
from torch_reference.tolerance.kinks.beside import MANY, beside
from torch_reference.tolerance.kinks.hulls import hulls
from torch_reference.tolerance.movement import Movement
from torch_reference.tolerance.verdicts import Tolerance

FEW = 60
"""Runs of the reference; all sides take some 200."""


def gradient_of(function: Callable[[Tensor], Tensor]) -> Callable[[Mapping[str, Tensor]], dict[str, Tensor]]:
    def gradient(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        leaf = values["x"].detach().requires_grad_()
        return {"x": torch.autograd.grad(function(leaf).sum(), leaf)[0]}

    return gradient


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("function", "kink"), [(torch.relu, 0.0), (F.hardtanh, 1.0)], ids=["seen", "inside of a kernel"]
)
def test_few_sides_tell_that_any_slope_between_is_right(
    function: Callable[[Tensor], Tensor], kink: float, dtype: torch.dtype
) -> None:
    """Of two hundred numbers at a kink each has a slope of its own; one of 1.01 is not right."""
    is_there, runs, gradient = torch.arange(400) % 2 == 0, list[Mapping[str, Tensor]](), gradient_of(function)
    x = torch.where(is_there, kink, torch.linspace(-0.9, 0.9, 400)).to(dtype)

    def counted(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        runs.append(values)
        return gradient(values)

    tolerance = Tolerance(counted, {"x": x})
    right = torch.where(is_there, torch.rand(400, dtype=dtype), gradient({"x": x})["x"])
    assert tolerance.rows({"x": right})["x"].verdict is Verdict.AGREES
    assert len(runs) < FEW
    elements, _ = hulls(tolerance.movement, tolerance.sides.first, "x")
    right[-2] = 1.01
    assert not elements.reaches(right.double())


def test_of_each_pair_one_is_on_the_one_side_and_the_other_on_the_other() -> None:
    """But for steps that are less than a rounding."""
    found = beside(Movement(gradient_of(F.hardtanh), {"x": torch.ones(50, dtype=torch.float64)}))
    assert len(found) == MANY
    sides = torch.stack([side.movement.expected["x"] for side in found])
    assert (sides[::2] != sides[1::2]).double().mean() > 0.8


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_is_forty_roundings_from_a_kink_is_on_one_side_of_it(dtype: torch.dtype) -> None:
    """And the other slope is wrong there: what few sides tell is no looser than what all do."""
    gradient = gradient_of(lambda x: (x - 1).abs())
    for place in range(10):
        x = torch.linspace(1.2, 3, 10, dtype=dtype)
        x[place] = 1 + 20 * torch.finfo(dtype).eps
        other = gradient({"x": x})["x"]
        other[place] = -1.0
        assert Tolerance(gradient, {"x": x}).rows({"x": other})["x"].verdict is Verdict.DIFFERS


@pytest.mark.medium
def test_of_many_ties_some_more_sides_tell_that_a_choice_is_right_and_another_factor_is_wrong() -> None:
    """Of thousands some turn in none of two pairs, and some rows have the same sum by chance."""
    values, other = (torch.randn(64, 128, generator=torch.Generator().manual_seed(n)) for n in (0, 1))
    inputs = {"x": (2 * values).round().half(), "y": (2 * other).round().half()}
    runs = list[Mapping[str, Tensor]]()

    def gradient(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        runs.append(values)
        x, y = (values[name].detach().requires_grad_() for name in "xy")
        loss = torch.maximum(0.9 * (y - x), 0.1 * (x - y)).mean()
        return dict(zip("xy", torch.autograd.grad(loss, [x, y]), strict=True))

    tolerance, off = Tolerance(gradient, inputs), inputs["y"].double() - inputs["x"].double()
    assert int((off == 0).sum()) > 1000
    slope = torch.where(off > 0, -0.9, 0.1) / off.numel()
    assert tolerance.rows({"x": slope.half()})["x"].verdict is Verdict.AGREES
    assert len(runs) < FEW
    assert tolerance.rows({"x": (1.03 * slope).half()})["x"].verdict is Verdict.DIFFERS
