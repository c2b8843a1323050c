"""What is added up at places is a sum: its terms may cancel, and may be added up in any order."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference.tolerance.movement import Movement
from torch_reference.tolerance.rounding.roundings import unit

Function = Callable[[Tensor], Tensor]
index = torch.randint(0, 7, (400,), generator=torch.Generator().manual_seed(3))

GATHERING: dict[str, tuple[Function, tuple[int, ...]]] = {
    "maximum pooling": (lambda x: functional.max_pool2d(x, 3, 1, 1), (2, 3, 12, 12)),
    "maximum pooling of volumes": (lambda x: functional.max_pool3d(x, 2, 1), (2, 5, 6, 6)),
    "adaptive maximum pooling": (lambda x: functional.adaptive_max_pool2d(x, (9, 9)), (2, 3, 12, 12)),
    "reflection": (lambda x: functional.pad(x, (5, 5, 5, 5), mode="reflect"), (4, 3, 8, 8)),
    "replication": (lambda x: functional.pad(x, (3, 3), mode="replicate"), (64, 3, 8)),
    "windows": (lambda x: x.unfold(1, 4, 1).contiguous(), (20, 60)),
}
"""Functions that return each of their inputs as it is, some of them more than once."""


@pytest.mark.parametrize(("function", "shape"), GATHERING.values(), ids=GATHERING)
def test_any_order_of_the_terms_is_right(function: Function, shape: tuple[int, ...]) -> None:
    """They are scattered from the last to the first, by the number of the input that each output is."""
    draws = torch.Generator().manual_seed(0)
    x = torch.rand(shape, generator=draws, dtype=torch.float64)
    above = torch.randn(function(x).shape, generator=draws, dtype=torch.float64)

    def slope(values: dict[str, Tensor]) -> dict[str, Tensor]:
        leaf = values["x"].detach().requires_grad_()
        return {"x": torch.autograd.grad((function(leaf) * values["above"].to(leaf)).sum(), leaf)[0]}

    movement = Movement(slope, {"x": x, "above": above})
    movement.at_least(16)
    values, places = x.flatten().sort()
    source = places[torch.searchsorted(values, function(x).detach().flatten())]
    found = torch.zeros(x.numel(), dtype=x.dtype)
    found = found.scatter_add(0, source.flip(0), above.flatten().flip(0)).view(shape)
    off, bound = (found - movement.expected["x"]).abs(), movement.bound("x")
    assert (off > 0).any()
    assert (off <= bound).all()
    assert bound.max() < 1e-13


def test_equal_terms_round_alike_in_a_long_one() -> None:
    """A thousand times 0.1, one after another, is off by hundreds of roundings of the sum."""
    above = torch.full((1, 1, 1003), 0.1, dtype=torch.float64)

    def slope(values: dict[str, Tensor]) -> dict[str, Tensor]:
        leaf = torch.ones(1, 1, 3).to(values["above"]).requires_grad_()
        padded = functional.pad(leaf, (1000, 0), mode="replicate")
        return {"x": torch.autograd.grad((padded * values["above"]).sum(), leaf)[0]}

    movement = Movement(slope, {"above": above})
    movement.at_least(4)
    added, bound = (each["x"].flatten()[0].item() for each in (movement.expected, {"x": movement.bound("x")}))
    off = abs(math.fsum([0.1] * 1001) - added)
    assert 20 * unit(torch.float64) * added < off <= bound


def test_scatter_reduce_adds_up_where_it_is_told() -> None:
    """As index_add does, in another order; each sum cancels."""
    values = torch.randn(400, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    zeros = torch.zeros(7, dtype=torch.float64)
    values -= (zeros.index_add(0, index, values) / index.bincount())[index]

    def added(given: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"y": zeros.to(given["x"]).scatter_reduce(0, index, given["x"], "sum")}

    movement = Movement(added, {"x": values})
    movement.at_least(16)
    again = zeros.index_add(0, index.flip(0), values.flip(0))
    assert ((again - movement.expected["y"]).abs() <= movement.bound("y")).all()
    assert movement.bound("y").max() < 1e-13
