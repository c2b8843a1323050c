"""Where no kink is near, none is looked for long."""

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor

from torch_reference import check_function
from torch_reference.tolerance.kinks.beside import FIRST, beside
from torch_reference.tolerance.kinks.sides import sides
from torch_reference.tolerance.movement import Movement


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("nearest", "is_near"), [(0.3, False), (0.0, True)])
def test_what_does_not_turn_where_all_is_moved_far_is_no_kink(
    dtype: torch.dtype, nearest: float, is_near: bool
) -> None:
    """And is not looked for by moving it less."""
    runs = []

    def reference(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        runs.append(values["x"])
        leaf = values["x"].detach().requires_grad_()
        return {"x": torch.autograd.grad((torch.relu(leaf - 1) + leaf).sum(), leaf)[0]}

    movement = Movement(reference, {"x": 1 + torch.tensor([1.0, -1.0, nearest, -0.7]).to(dtype)})
    movement.at_least(4)
    runs.clear()
    assert bool(sides(movement)) == is_near
    assert (len(runs) > 12) == is_near


@pytest.mark.parametrize(
    ("slope", "is_one"),
    [
        (lambda x: x / (x * x + 1), False),
        (lambda x: x * x, False),
        (lambda x: x.sign() * 0.1, True),
        (lambda x: x**-3, True),
    ],
    ids=["as the step", "as its square", "a jump", "a pole"],
)
def test_what_grows_from_zero_with_the_step_is_no_kink(
    slope: Callable[[Tensor], Tensor], is_one: bool
) -> None:
    """What is 0 has no bound, and each number beside it is a jump from there: 128 runs showed no other."""
    runs = []

    def reference(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        runs.append(values["x"])
        return {"x": torch.where(values["x"] == 0, 0.0, slope(values["x"]))}

    movement = Movement(reference, {"x": torch.tensor([0.0, 0.0, 1.0]).double()})
    assert bool(beside(movement)) == is_one
    assert (len(runs) > 1 + 2 * FIRST) == is_one


@pytest.mark.medium
def test_a_tiny_number_that_is_moved_far_has_no_kink() -> None:
    """Of a step as large as the other numbers' the logarithm of 1e-15 is another, and no side of a tie."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(6, 8, generator=generator, dtype=torch.float64)
    x[:, 3] = x[:, 5] = 1.5
    x[:, 0] *= 1e-15

    def forward(x: Tensor) -> tuple[Tensor, Tensor]:
        return (x + 1e-18).log().sum(-1) + x.amax(-1), x

    def half_of_the_tiny(x: Tensor, above: Tensor) -> Tensor:
        right = 1 / (x + 1e-18) + (x == 1.5) / 2
        return above[:, None] * torch.where(x < 1e-10, right / 2, right)

    def reference(x: Tensor) -> Tensor:
        return (x + 1e-18).log().sum(-1) + x.max(-1)[0]

    report = check_function((forward, half_of_the_tiny), reference, x, ways=[], order=1, redraw=False)
    assert [finding.row.verdict.value for finding in report.findings] == ["agrees", "differs"]
