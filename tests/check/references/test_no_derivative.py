"""Without a reference: an input on which nothing depends, as the bias of keys or one before a batch norm."""

from typing import Any

import torch
from torch import Tensor

from torch_reference import check_function

drawn = torch.Generator().manual_seed(0)
x, bias = (torch.randn(*shape, generator=drawn, dtype=torch.float64) for shape in ((5, 3), (3,)))


def centred(x: Tensor, bias: Tensor) -> Tensor:
    """The mean takes the bias away, up to its roundings."""
    h = torch.from_numpy((x + bias).detach().numpy())
    return h - h.mean(0)


class Centred(torch.autograd.Function):
    """In numpy inside, so that its values alone tell the derivative."""

    scale = 0.0

    @staticmethod
    def forward(ctx: Any, x: Tensor, bias: Tensor) -> Tensor:
        """Nothing is kept."""
        return centred(x, bias)

    @classmethod
    def backward(cls, ctx: Any, above: Tensor) -> tuple[Tensor, Tensor]:
        """A little for the bias, or nothing."""
        return above - above.mean(0), cls.scale * above.sum(0)


class WithATrace(Centred):
    """A thousandth."""

    scale = 1e-3


def test_no_derivative_is_known_as_such() -> None:
    """It is small against value by input, which is what derivatives are: an agreement, and no doubt."""
    assert check_function(Centred, None, x, bias, ways=[])
    assert check_function(Centred, None, x.float(), bias.float(), ways=[])


def test_a_thousandth_of_one_is_seen() -> None:
    """What is nothing is nothing to nine digits."""
    report = check_function(WithATrace, None, x, bias, ways=[], draws=0)
    assert [finding.name for finding in report.findings if not finding.agrees] == ["inputs[1]"]


def test_a_function_that_returns_a_list_is_told_so() -> None:
    """Autograd takes a tuple apart, and anything else for no tensor: nothing in it has a graph."""

    class Both(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Any:
            return [x * 2]

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> Tensor:
            return 2 * g

    (told,) = check_function(Both, lambda x: [x * 2], torch.ones(3), draws=0).remarks
    assert told.startswith("its forward returns a list: autograd knows nothing of the tensors in it")
