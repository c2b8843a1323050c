"""At ties that are many, what is right reaches further than what a few hundred sides show."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference import check_function
from torch_reference.comparison import Row, Verdict
from torch_reference.tolerance import sides_row
from torch_reference.tolerance.kinks import hulls as kinks_hulls
from torch_reference.tolerance.kinks.beside import Side
from torch_reference.tolerance.kinks.hulls import hulls
from torch_reference.tolerance.kinks.sides import Sides
from torch_reference.tolerance.kinks.towards import _directions
from torch_reference.tolerance.movement import Movement
from torch_reference.tolerance.sides_row import row_between_sides

check = partial(check_function, ways=[], order=1, draws=0)


def pool(x: Tensor) -> Tensor:
    """Nine of the numbers of most windows are in others, too."""
    return functional.max_pool2d(x, 3, 1)


def by_rank(function: Callable, seed: int, factor: float = 1.0) -> tuple[Callable, Callable]:
    """The function, whose gradient of equals goes to the first in an order drawn at random."""

    def backward(x: Tensor, above: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        order = 1e-9 * torch.randn(x.shape, generator=generator, dtype=torch.float64)
        beside = (x.double() + order).requires_grad_()
        with torch.enable_grad():
            (found,) = torch.autograd.grad(function(beside), beside, above.double())
        found.view(-1)[found.abs().argmax()] *= factor
        return found.to(above.dtype)

    return (lambda x: (function(x), x)), backward


class SlidingMaximum(torch.autograd.Function):
    """Of seven numbers, with no pooling of torch's: windows take the first and the last of equals in turn."""

    @staticmethod
    def forward(ctx, x):
        """Shapes: x is (rows, columns)."""
        largest = x.unfold(-1, 7, 1).amax(-1)
        equal = (x.unfold(-1, 7, 1) == largest[..., None]).byte()
        windows = torch.arange(largest.shape[-1])
        chosen = torch.where(windows % 2 == 0, equal.argmax(-1), 6 - equal.flip(-1).argmax(-1))
        ctx.save_for_backward(windows + chosen)
        ctx.shape = x.shape
        return largest

    @staticmethod
    def backward(ctx, above):
        """All to the one that was chosen."""
        (places,) = ctx.saved_tensors
        return above.new_zeros(ctx.shape).scatter_add(-1, places, above)


@pytest.mark.medium
def test_any_choice_is_right_in_a_row_of_many_that_are_judged_a_part_at_a_time() -> None:
    """What comes from the windows of one number has both signs, in a part of the rows as in all of them."""
    x = torch.randn(1300, 24, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x[7] = 0
    assert check(SlidingMaximum, lambda x: x.unfold(-1, 7, 1).amax(-1), x).agrees


@pytest.mark.parametrize(
    ("size", "seed", "dtype", "factor"),
    [(5, 11, torch.float64, 1.1), (6, 33, torch.bfloat16, 1.15)],
)
@pytest.mark.medium
def test_any_choice_of_each_window_is_right(size: int, seed: int, dtype: torch.dtype, factor: float) -> None:
    """One that no draw beside the point has made, of a constant image; and a tenth more is wrong.

    In 16 bits the sum of all shows it, where four terms of each element may be added up in 16 bits.
    """
    x = torch.ones(1, 1, size, size, dtype=dtype)
    assert check(by_rank(pool, seed), pool, x).agrees
    wrong = check(by_rank(pool, seed, factor), pool, x)
    assert [finding.row.verdict.value for finding in wrong.findings] == ["agrees", "differs"]


@pytest.mark.parametrize(("sides", "verdict"), [(1, Verdict.INCONCLUSIVE), (2, Verdict.DIFFERS)])
def test_what_lies_beyond_an_end_that_one_side_reaches_is_undecided(
    monkeypatch: pytest.MonkeyPatch, sides: int, verdict: Verdict
) -> None:
    """Of many sides one has the end: one that was not looked at may lie beyond."""
    monkeypatch.setattr(sides_row, "hulls_towards", lambda *given: hulls(*given[:3]))
    here, there = (
        Movement(lambda point, slope=slope: {"x": slope * point["x"]}, {"x": torch.ones(2).double()})
        for slope in (torch.tensor([1.0, 2.0]).double(), torch.tensor([2.0, 1.0]).double())
    )
    looked_at = Sides(here)
    looked_at.first, looked_at.every = [], [Side(here), Side(here), *[Side(there)] * sides]
    row = Row("x", Verdict.DIFFERS)
    for value, expected in (
        ((1.5, 1.5), Verdict.AGREES),
        ((2.5, 0.5), verdict),
        ((2.5, 1.0), Verdict.DIFFERS),
    ):
        found = torch.tensor(value, dtype=torch.float64)
        assert row_between_sides(looked_at, row, found, 0.0)[0].verdict is expected


@pytest.mark.medium
@pytest.mark.parametrize(("found", "right"), [((-3.0, 2.0), True), ((2.0, -3.0), True), ((3.0, -4.0), False)])
def test_of_two_equals_both_are_sorted(found: tuple[float, ...], right: bool) -> None:
    """Above with one sign of what is upstream, and below with the other, gives nothing more."""
    x = torch.ones(2, dtype=torch.float64)

    def ordered(x: Tensor) -> Tensor:
        return x.sort(descending=True).values

    def backward(_: Any, above: Tensor) -> Tensor:
        return torch.tensor(found, dtype=torch.float64)

    own = (lambda x: (ordered(x), None)), backward
    upstream = [torch.tensor([2.0, -3.0], dtype=torch.float64)]
    assert check(own, ordered, x, upstream=upstream).agrees is right


def test_of_a_large_point_fewer_sides_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen of a ResNet of eleven million numbers took a minute and a half."""
    for numbers, measured in ((100, 16), (5, 5), (1, 2)):
        monkeypatch.setattr(kinks_hulls, "NUMBERS", numbers)
        sides = [Side(Movement(lambda point: {"x": 3 * point["x"]}, {"x": torch.ones(1)})) for _ in range(20)]
        hulls(sides[0].movement, sides, "x")
        assert sum(side.movement.draws > 0 for side in sides) == measured


def test_a_gradient_that_lies_in_another_order_is_looked_at() -> None:
    """Its elements are counted in the order in which they are named, and no error is raised."""
    off = torch.tensor([[0.0, -2.0], [0.0, 0.0], [0.0, 0.0]]).T
    one_way, _ = _directions(True, off, off.abs(), torch.Generator())
    assert torch.equal(one_way, off.sign())
