"""Any of its equal numbers may be a window's largest, also where a loss of them is differentiated."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference import check_function

pytestmark = pytest.mark.medium
SIDE, WINDOW = 6, 3
WINDOWS = SIDE - WINDOW + 1


def loss(x: Tensor, w: Tensor) -> Tensor:
    """A weighted sum of the largest numbers of overlapping windows."""
    return (functional.max_pool2d(x, WINDOW, 1) * w).sum()


def choosing(seed: int, factor: float = 1.0) -> tuple[Callable, Callable]:
    """A derivation that gives each window's weight to one of its equals, chosen at random."""
    chosen = torch.rand(2, WINDOWS**2, WINDOW**2, generator=torch.Generator().manual_seed(seed)).argmax(-1)
    places = torch.arange(SIDE**2).view(SIDE, SIDE)
    places = places.unfold(0, WINDOW, 1).unfold(1, WINDOW, 1).reshape(-1, WINDOW**2)
    at = places.expand(2, -1, -1).gather(-1, chosen.unsqueeze(-1)).squeeze(-1)

    def backward(saved: Any, above: Tensor) -> tuple[Tensor, Tensor]:
        x, w = saved
        d_y = (above * w).reshape(2, -1)
        d_x = torch.zeros(2, SIDE**2, dtype=x.dtype).scatter_add(1, at, factor * d_y)
        return d_x.view(x.shape), above * functional.max_pool2d(x, WINDOW, 1)

    return (lambda x, w: (loss(x, w), (x, w))), backward


def agrees(pair: tuple[Callable, Callable], seed: int) -> bool:
    """On a constant image, in float64."""
    draws = torch.Generator().manual_seed(seed)
    x = torch.full((1, 2, SIDE, SIDE), 0.7, dtype=torch.float64)
    w = torch.randn(1, 2, WINDOWS, WINDOWS, generator=draws, dtype=torch.float64)
    return check_function(pair, loss, x, w, ways=[], order=1, draws=0).agrees


def test_any_choice_is_right_and_a_factor_is_not() -> None:
    """Nothing upstream of a loss has the signs of its weights: four choices of ten differed."""
    assert agrees(choosing(1), 1)
    assert agrees(choosing(3), 3)
    assert not agrees(choosing(0, factor=1.5), 0)
