"""Networks whose backward calls .backward(), or whose forward gives its inputs away: invertible ones."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from torch_reference import check_function, check_modules

x = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))


class Recomputing(torch.autograd.Function):
    """A block that is run again in the backward, where its parameters get their gradients besides."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, block: nn.Module, factor: float) -> Tensor:
        """The block's value."""
        ctx.save_for_backward(x)
        ctx.block, ctx.factor = block, factor
        with torch.no_grad():
            return block(x)

    @staticmethod
    def backward(ctx: Any, above: Tensor) -> Any:
        """By .backward(), as revtorch does."""
        leaf = ctx.saved_tensors[0].detach().requires_grad_()
        with torch.enable_grad():
            ctx.block(leaf).backward(ctx.factor * above)
        return leaf.grad, None, None


class Reversible(nn.Module):
    """A layer whose parameters are no inputs of the Function that uses them."""

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.block, self.factor = nn.Linear(4, 4), factor

    def forward(self, x: Tensor) -> Tensor:
        """Run again in the backward."""
        return Recomputing.apply(x, self.block, self.factor)


def test_gradients_that_a_backward_adds_by_itself_are_judged() -> None:
    """Those of parameters that no graph knows: right ones agree, and wrong ones do not."""
    right, wrong = Reversible(), Reversible(1.5)
    for module in (right, wrong):
        report = check_function(module, lambda x, of=module: of.block(x), x, ways=["rows"], draws=0)
        assert report.agrees is (module is right), report
    assert [each.agrees for each in report.findings if each.kind == "input"] == [False] * 3


class Freeing(torch.autograd.Function):
    """x → 2x, of which the input is made again from the output; its memory is given back meanwhile."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """Twice the input."""
        ctx.given = x
        y = 2 * x
        x.untyped_storage().resize_(0)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, above: Tensor) -> Tensor:
        """What the input was, and twice what comes."""
        (y,) = ctx.saved_tensors
        ctx.given.untyped_storage().resize_(y.untyped_storage().nbytes())
        with torch.no_grad():
            ctx.given.copy_(y / 2)
        if not torch.autograd._is_checkpoint_valid():  # what autograd.grad is told by
            raise RuntimeError("please use .backward()")
        return 2 * above


def test_memory_that_a_forward_gives_back_is_not_the_users() -> None:
    """As memcnn does, of whose networks .backward() alone is called; to read it would end the process."""
    report = check_function(lambda x: Freeing.apply(x * 1), lambda x: 2 * x, x, ways=[])
    assert report.agrees, report


class Overwriting(nn.Module):
    """A layer that spoils what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        """Three times the input is left behind."""
        y = self.layer(x)
        x.detach().mul_(3)
        return y


@pytest.mark.parametrize(
    "check",
    [
        lambda of, x: check_function(of, None, x, ways=[]),
        lambda of, x: check_function(of, of.layer, x, ways=[]),
        lambda of, x: check_modules(of, of, x, ways=[]),
    ],
)
def test_the_inputs_that_were_given_are_what_they_were(check: Callable[..., Any]) -> None:
    """Whatever a module does to its inputs it does to copies."""
    given = x.clone()
    assert not check(Overwriting(), given)
    assert torch.equal(given, x)
