"""Options that are left unsaid or None, and those that need another size or repeated indices."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from torch_reference import check_function, check_modules

x = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def scaled(x: Tensor, factor: float = 1.0) -> Tensor:
    """Times a number that is 1 where nobody says it."""
    return torch.sin(x) * factor


class Forgets(torch.autograd.Function):
    """Forgets the factor."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float = 1.0) -> Tensor:
        """Keeps x alone."""
        ctx.save_for_backward(x)
        return scaled(x, factor)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        """As if the factor were 1."""
        return g * ctx.saved_tensors[0].cos(), None


def judged(*call: Any) -> tuple[str, str]:
    """What came of the way, and what is said where it fails."""
    report = check_function(*call, ways=["options"], order=1, draws=0)
    return dict(report.ways)["options"], report.note


@pytest.mark.medium
def test_a_default_that_is_not_given_hides_a_mistake() -> None:
    """Of a Function, of what calls one by keyword, of a pair, and bound by a partial."""
    told = ("fails", "with inputs['factor'] = 0.75 in place of 1.0")
    pair = lambda x, factor=1.0: (scaled(x, factor), x), lambda x, g: g * x.cos()
    by_keyword = lambda x, *, factor=1.0: Forgets.apply(x, factor)  # noqa: E731
    for function in (Forgets, Forgets.apply, by_keyword, pair):
        assert judged(function, scaled, x) == told
    bound = partial(by_keyword, factor=1.0), partial(lambda x, factor: scaled(x, factor), factor=1.0)
    assert judged(*bound, x) == told


def test_a_default_that_the_two_do_not_share_stays() -> None:
    """Another default, another name, and a function that has no signature, as torch's own."""
    assert judged(Forgets, lambda x, scale=1.0: scaled(x, scale), x)[0] == "cannot apply"
    assert judged(Forgets, lambda x, factor=1: scaled(x, factor), x)[0] == "cannot apply"
    assert judged(torch.sin, torch.sin, x)[0] == "cannot apply"


def test_a_default_beside_random_numbers_is_set() -> None:
    """Though its random numbers begin at one state, the function has the signature that it was given with."""
    dropped = nn.functional.dropout
    function = lambda x, factor=1.0: Forgets.apply(dropped(x, 0.3), factor)  # noqa: E731
    assert judged(function, lambda x, factor=1.0: scaled(dropped(x, 0.3), factor), x)[0] == "fails"


@pytest.mark.medium
def test_the_options_of_a_module_are_set() -> None:
    """Of its forward, whether its reference is a module or reads its parameters."""

    class Mine(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.full((3,), 1.3, dtype=x.dtype))

        def forward(self, x: Tensor, factor: float = 1.0) -> Any:
            return Forgets.apply(x * self.weight, factor)

    class Plain(Mine):
        def forward(self, x: Tensor, factor: float = 1.0) -> Any:
            return scaled(x * self.weight, factor)

    mine = Mine()
    reads = lambda x, factor=1.0: scaled(x * mine.weight, factor)  # noqa: E731
    assert judged(mine, Plain(), x)[0] == judged(mine, reads, x)[0] == "fails"
    report = check_modules(mine, Plain(), x, ways=["options"], order=1, draws=0)
    assert report.note == "with inputs['factor'] = 0.75 in place of 1.0"


@pytest.mark.medium
def test_something_is_put_in_the_place_of_none() -> None:
    """A mask that the backward forgets, and a bias, which it knows."""

    class Masked(torch.autograd.Function):
        knows = False

        @classmethod
        def forward(cls, ctx: Any, x: Tensor, bias: Any = None, mask: Any = None) -> Tensor:
            ctx.mask = mask
            return plain(x, bias, mask)

        @classmethod
        def backward(cls, ctx: Any, g: Tensor) -> tuple[Any, ...]:
            return g if ctx.mask is None or not cls.knows else g * ctx.mask, None, None

    class Right(Masked):
        knows = True

    def plain(x: Tensor, bias: Any = None, mask: Any = None) -> Tensor:
        shifted = x.clone() if bias is None else x + bias
        return shifted if mask is None else shifted.masked_fill(~mask, 0)

    told = "in place of None"
    assert judged(Masked, plain, x, None, None) == (
        "fails",
        f"with inputs[2] = truth values of shape (4, 3) {told}",
    )
    assert judged(Masked, plain, x)[1] == f"with inputs['mask'] = truth values of shape (4, 3) {told}"
    assert judged(Right, plain, x)[0] == judged(Right, plain, x, None, None)[0] == "agrees"


def test_a_number_of_groups_goes_with_half_of_the_weight() -> None:
    """A convolution's weight has half of the columns where there are two groups."""

    class Conv(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, weight: Tensor, groups: int) -> Tensor:
            ctx.save_for_backward(x, weight)
            ctx.groups = groups
            return conv(x, weight, groups)

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor, None]:
            (x, weight), groups = ctx.saved_tensors, ctx.groups
            d_x = torch.nn.grad.conv1d_input(x.shape, weight, g, groups=groups)
            d_weight = torch.nn.grad.conv1d_weight(x, weight.shape, g, groups=groups) / groups
            return d_x, d_weight, None

    def conv(x: Tensor, weight: Tensor, groups: int) -> Tensor:
        return nn.functional.conv1d(x, weight, groups=groups)

    weight = torch.linspace(-1, 1, 48, dtype=x.dtype).view(4, 4, 3)
    inputs = torch.linspace(-2, 1, 32, dtype=x.dtype).view(2, 4, 4).sin()
    assert judged(Conv, conv, inputs, weight, 1)[1] == "with inputs[2] = 2 in place of 1, at half of a size"


def test_a_flag_of_repeated_indices_is_tried_there() -> None:
    """Where no index occurs twice it changes nothing."""

    class Rows(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, weight: Tensor, index: Tensor, by_freq: bool) -> Tensor:
            ctx.save_for_backward(index)
            ctx.rows = len(weight)
            return weight[index]

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:
            zeros = g.new_zeros(ctx.rows, g.shape[1])
            return zeros.index_add(0, ctx.saved_tensors[0], g), None, None

    def plain(weight: Tensor, index: Tensor, by_freq: bool) -> Tensor:
        return nn.functional.embedding(index, weight, scale_grad_by_freq=by_freq)

    index = torch.tensor([0, 1, 3])
    told = "with inputs[2] = True in place of False, at repeated indices"
    assert judged(Rows, plain, x, index, False) == ("fails", told)


@pytest.mark.medium
def test_a_graph_that_a_checkpoint_cannot_make_again_is_no_refusal() -> None:
    """It runs another forward in the backward, where an attribute is not what it was."""

    class Offset(nn.Module):
        start: Any = None

        def body(self, x: Tensor) -> Tensor:
            return x.exp() if self.start is None else torch.cat([x[: self.start], x[self.start :].exp()])

        def forward(self, x: Tensor, start: int) -> Any:
            self.start = start
            made = torch.utils.checkpoint.checkpoint(self.body, x, use_reentrant=False)
            self.start = None
            return made

    plain = lambda x, start: torch.cat([x[:start], x[start:].exp()])  # noqa: E731
    report = check_function(Offset(), plain, x, 0, ways=["options"], order=1)
    assert dict(report.ways) == {"options": "warns"}
    assert "the backward raises an error: CheckpointError" in report.warnings[0]
