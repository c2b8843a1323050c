"""Kinks and ties: any mixture of the sides is right, at the kink only."""

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference.tolerance.kinks.beside import Side
from torch_reference.tolerance.kinks.hulls import hulls
from torch_reference.tolerance.kinks.sides import sides
from torch_reference.tolerance.movement import Movement
from torch_reference.tolerance.verdicts import Tolerance

DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])


def agrees(function: Callable[[Tensor], Tensor], x: Tensor, up: Tensor, manual: Tensor) -> bool:
    """Whether a gradient agrees."""

    def reference(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        leaf = values["x"].detach().clone().requires_grad_()
        return {"x": torch.autograd.grad(function(leaf), leaf, values["up"])[0]}

    return Tolerance(reference, {"x": x, "up": up}).rows({"x": manual})["x"].agrees


@pytest.mark.sample(1)
@DTYPES
@pytest.mark.parametrize("slope", [0.0, 0.3, 1.0])
def test_any_slope_of_relu_at_zero_is_right(dtype: torch.dtype, slope: float) -> None:
    """From 0 to 1, at each of several zeros; beyond them, or elsewhere, it is not."""
    x = torch.tensor([-1.0, 0.0, 2.0, 0.0, 0.0, -0.5], dtype=dtype)
    up = torch.tensor([1.0, 2.0, 3.0, -4.0, 5.0, 6.0], dtype=dtype)
    manual = up * torch.where(x == 0, slope, (x > 0).to(dtype))
    for function in (torch.relu, lambda x: x.clamp(min=0), lambda x: torch.where(x > 0, x, 0 * x)):
        assert agrees(function, x, up, manual)
    for where, value in ((1, 2.5), (1, -0.5), (0, 0.5), (2, 1.5)):
        wrong = manual.clone()
        wrong[where] = value
        assert not agrees(torch.relu, x, up, wrong)


@pytest.mark.sample(1)
@DTYPES
@pytest.mark.parametrize("split", [(1, 0, 0), (0, 1, 0), (0.5, 0.5, 0), (0.25, 0.75, 0)])
def test_any_split_of_a_maximum_among_equals_is_right(dtype: torch.dtype, split: tuple[float, ...]) -> None:
    """What is split must be the whole, and go to equals only."""
    x = torch.tensor([[1.0, 1.0, 0.0], [0.0, 2.0, 1.0]], dtype=dtype)
    up = torch.tensor([2.0, 3.0], dtype=dtype)
    manual = torch.tensor([[2 * part for part in split], [0.0, 3.0, 0.0]], dtype=dtype)
    for function in (
        lambda x: x.amax(-1),
        lambda x: x.max(-1).values,
        lambda x: x.topk(1, -1).values.squeeze(-1),
        lambda x: functional.max_pool1d(x.unsqueeze(0), 3).flatten(),
        lambda x: x.sort(-1, descending=True).values[:, 0],
    ):
        assert agrees(function, x, up, manual)
        for wrong in ([1.0, 0.5, 0.0], [2.0, 2.0, 0.0], [0.0, 0.0, 2.0]):
            other = manual.clone()
            other[0] = torch.tensor(wrong, dtype=dtype)
            assert not agrees(function, x, up, other)


@pytest.mark.medium
def test_the_slope_of_a_size_at_zero_lies_between_its_sides() -> None:
    """|x| at 0: from −1 to 1."""
    x, up = torch.tensor([0.0, -2.0]).double(), torch.tensor([3.0, 1.0]).double()
    for slope, right in ((-1.0, True), (0.4, True), (1.0, True), (1.1, False)):
        assert agrees(torch.abs, x, up, torch.tensor([3 * slope, -1.0]).double()) is right


@pytest.mark.medium
def test_both_sides_of_an_undecidable_kink_are_found() -> None:
    """Where one rounding turns a decision, or a question of Python's; elsewhere nothing."""

    def kink(x: Tensor) -> Tensor:
        return torch.relu(x * 0.1 - 0.03)

    def question(x: Tensor) -> Tensor:
        return 0.1 * x if (x * 0.1 - 0.03).sum() > 0 else 0 * x

    for function in (kink, question):
        for value, slopes in ((0.3, {0.0, 0.1}), (0.4, {0.1})):

            def derivative(values: Mapping[str, Tensor], function: Callable = function) -> dict[str, Tensor]:
                leaf = values["x"].detach().clone().requires_grad_()
                return {"x": torch.autograd.grad(function(leaf).sum(), leaf)[0]}

            movement = Movement(derivative, {"x": torch.tensor([value], dtype=torch.float64)})
            others = sides(movement)
            assert {
                round(side.movement.expected["x"].item(), 12) for side in [*others, Side(movement)]
            } == slopes
            movement.at_least(4)
            elements, _ = hulls(movement, others, "x")
            assert (elements.lower.item(), elements.upper.item()) == (min(slopes), max(slopes))
            assert elements.bound.max() <= 1e-15


def test_a_decision_is_not_shaken() -> None:
    """A ReLU whose input is rounding noise stays on its side: the bound does not measure the kink's step."""

    def derivative(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        leaf = values["x"].detach().clone().requires_grad_()
        return {"x": torch.autograd.grad(torch.relu(leaf * 0.1 - 0.03).sum(), leaf)[0]}

    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        movement = Movement(derivative, {"x": torch.tensor([0.3], dtype=dtype)})
        movement.at_least(10)
        assert movement.bound("x").item() <= 10 * torch.finfo(dtype).eps * 0.1


@pytest.mark.medium
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_kinks_behind_each_other_turn_independently(dtype: torch.dtype) -> None:
    """|max − y| where two y are equal in their precision alone: either is the max."""
    tiny = torch.finfo(dtype).eps ** 0.5 / 100
    x, up = (
        torch.tensor([[tiny, 1.5 * tiny, 0.5, 0.3]], dtype=dtype),
        torch.tensor([[1.0, -2.0, 4.0, -3.0]], dtype=dtype),
    )

    def function(x: Tensor) -> Tensor:
        y = torch.exp(-x * x)
        return (y.amax(-1, keepdim=True) - y).abs()

    y = torch.exp(-x * x)
    assert y[0, 0] == y[0, 1]
    g = up * torch.sign(y.amax(-1, keepdim=True) - y)
    for place in (0, 1):
        slope = -g.clone()
        slope[0, place] += g.sum()
        manual = slope * -2 * x * y
        assert agrees(function, x, up, manual)
        assert not agrees(function, x, up, 1.1 * manual)


GROUPS = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
ONES, ZEROS = torch.ones(8), torch.zeros(8)
STEPS = torch.tensor([[1.0, 2.0, 2.0], [0.0, 1.0, 1.0], [-1.0, 1.0, 0.0]])


@pytest.mark.sample(3)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("function", "x"),
    [
        (lambda x: x.new_zeros(3).scatter_reduce(0, GROUPS, x, "amax", include_self=False), ONES),
        (lambda x: x.new_zeros(3).scatter_reduce(0, GROUPS, x, "amin", include_self=False), ONES),
        (lambda x: torch.segment_reduce(x, "max", lengths=torch.tensor([3, 5])), ONES),
        (lambda x: torch.linalg.vector_norm(x, torch.inf, -1), STEPS),
        (lambda x: functional.pdist(x, torch.inf), STEPS),
        (lambda x: torch.cdist(x, torch.ones_like(x), p=1.0), STEPS),
        (lambda x: functional.prelu(x, torch.full_like(x[:1], 0.25)), ZEROS),
        (lambda x: functional.softshrink(x, 1.0), STEPS),
        (lambda x: functional.multi_margin_loss(x, torch.tensor([0, 1, 2])), STEPS),
        (lambda x: functional.max_pool2d(x.reshape(1, 1, 2, 4), 2, 1), ONES),
    ],
)
def test_a_kink_inside_of_an_operation_has_its_sides_too(
    function: Callable[[Tensor], Tensor], x: Tensor, dtype: torch.dtype
) -> None:
    """A derivative of the function a little beside the point is right; half as much again is none."""
    generator = torch.Generator().manual_seed(1)
    x = x.to(dtype)
    up = torch.rand(function(x).shape, generator=generator).to(dtype) + 0.5
    beside = (x.double() + 1e-9 * torch.randn(x.shape, generator=generator)).requires_grad_()
    manual = torch.autograd.grad(function(beside), beside, up.double())[0].to(dtype)
    assert agrees(function, x, up, manual)
    assert not agrees(function, x, up, 1.5 * manual)


def test_an_order_that_is_mixed_place_by_place_gives_no_number_twice() -> None:
    """Of two equals one comes first and one second: no gradient leaves one of them out."""
    x, up = torch.tensor([[1.0, 1.0, 0.0]]).double(), torch.tensor([[2.0, 3.0, 5.0]]).double()
    for manual, right in (((2, 3, 5), True), ((3, 2, 5), True), ((2, 2, 5), False), ((3, 3, 5), False)):
        found = torch.tensor([manual], dtype=torch.float64)
        assert agrees(lambda x: x.sort(-1, descending=True).values, x, up, found) is right


@pytest.mark.medium
def test_each_window_of_a_pool_chooses_by_itself() -> None:
    """Of equals: what lies in nine windows may be chosen by some of them alone."""
    generator = torch.Generator().manual_seed(26)  # of 40, one that runs held as a whole do not reach
    image, pool = torch.ones(1, 1, 6, 6, dtype=torch.float64), lambda x: functional.max_pool2d(x, 3, 1)
    up = torch.randn(1, 1, 4, 4, generator=generator, dtype=torch.float64)
    beside = image + 1e-9 * torch.randn(image.shape, generator=generator, dtype=torch.float64)
    manual = torch.autograd.grad(pool(beside.requires_grad_()), beside, up)[0]
    assert agrees(pool, image, up, manual)
    assert not agrees(pool, image, up, 2 * manual)
