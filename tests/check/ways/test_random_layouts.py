"""Random numbers like an input are drawn in the order of its memory: that is no mistake of who draws them."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import dropout

from autograd_functions import function
from torch_reference import check_function
from torch_reference.check.ways.layouts import LAYOUTS

x = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def drop(x: Tensor) -> Tensor:
    """Half of it."""
    return dropout(x, 0.5)


def keeps_its_mask(ctx: Any, x: Tensor) -> Tensor:
    """The same, with a mask that is kept."""
    y = drop(x)
    ctx.mask = torch.where(y == 0, 0.0, 2.0)
    return y


def test_dropout_is_right_in_every_layout() -> None:
    """torch's own, and one with a backward by hand."""
    for mine in (drop, function(keeps_its_mask, lambda ctx, g: g * ctx.mask)):
        report = check_function(mine, drop, x, ways=LAYOUTS, order=1)
        assert report, str(report)
        assert dict(report.ways)["transposed"] == "agrees"


def test_a_mask_in_the_order_of_another_memory_is_refused() -> None:
    """Its backward takes the mask as if the input had no gaps."""
    wrong = function(keeps_its_mask, lambda ctx, g: g * ctx.mask.T.reshape(ctx.mask.shape))
    assert not check_function(wrong, drop, x, ways=["transposed"], order=1, draws=0)
