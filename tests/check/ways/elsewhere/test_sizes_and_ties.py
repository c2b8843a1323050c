"""What a report only warns of: sizes that are written into a function, and what it does off its ties."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 # torch's own name for it

from autograd_functions import function, saving
from torch_reference import check_function
from torch_reference.check.ways import points

x = torch.randn(4, 8, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def normalised(ctx, x: Tensor, rows: int | None = 4) -> Tensor:
    """A group norm of two groups, for four images or as many as there are."""
    y = x.reshape(len(x) if rows is None else rows, 2, -1)
    y = y - y.mean(-1, keepdim=True)
    ctx.scale = (y.square().mean(-1, keepdim=True) + 1e-5).rsqrt()
    ctx.normalised = y * ctx.scale
    return ctx.normalised.reshape(x.shape)


def through(ctx, g: Tensor) -> Tensor:
    """Its derivative."""
    h, d = ctx.normalised, g.reshape(ctx.normalised.shape)
    mean, along = d.mean(-1, keepdim=True), (d * h).mean(-1, keepdim=True)
    return (ctx.scale * (d - mean - h * along)).reshape(g.shape)


@pytest.mark.medium
def test_a_size_that_is_written_into_a_function_is_its_own_affair() -> None:
    """With another number of rows it is another function: the report says so, and does not refuse it."""
    report = check_function(
        function(normalised, through), lambda x: F.group_norm(x, 2), x, ways=["rows"], order=1
    )
    assert report, str(report)
    assert report.warnings[0].startswith("with one row it returns others than the reference: outputs[0]")
    any_rows = function(lambda ctx, x: normalised(ctx, x, None), through)
    right = check_function(any_rows, lambda x: F.group_norm(x, 2), x, ways=["rows"], order=1)
    assert right
    assert not right.warnings


def test_a_tail_of_rows_that_a_forward_leaves_out_is_refused() -> None:
    """Most of its output is right there: no other function, but this one with a mistake."""

    def forward(ctx, x: Tensor) -> Tensor:
        y = 5 * x
        y[len(x) // 4 * 4 :] = 0
        return y

    wrong = function(forward, lambda ctx, g: 5 * g)
    assert check_function(wrong, lambda x: 5 * x, x, ways=[], order=1)
    assert not check_function(wrong, lambda x: 5 * x, x, ways=["rows"], order=1, draws=0)


def spread(value: Tensor) -> Tensor:
    """Each number four times, as a pooling over two by two hands it back."""
    return value.repeat_interleave(2, -1).repeat_interleave(2, -2)


def among_the_largest(ctx, g: Tensor) -> Tensor:
    """The gradient split equally among those that are the largest."""
    largest = (ctx.x == spread(F.max_pool2d(ctx.x, 2))).to(g.dtype)
    return spread(g / (4 * F.avg_pool2d(largest, 2))) * largest


def pooled(ctx, x: Tensor) -> Tensor:
    """A maximum of each two by two."""
    ctx.x = x.detach()
    return F.max_pool2d(x, 2)


@pytest.mark.sample(1)
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("always", [True, False])
def test_ties_may_be_split_and_only_a_warning_says_that_all_is_split(
    dtype: torch.dtype, always: bool
) -> None:
    """At ties any split is right; a backward that splits elsewhere, too, is right where it was given."""
    backward = (lambda ctx, g: spread(g) / 4) if always else among_the_largest
    ones = torch.ones(1, 1, 4, 4, dtype=dtype)
    report = check_function(
        function(pooled, backward), lambda x: F.max_pool2d(x, 2), ones, ways=["redrawn"], order=1
    )
    assert report, str(report)
    assert bool(report.warnings) is always


def test_a_slope_that_is_right_at_ones_alone_is_refused() -> None:
    """No kink is there: numbers that are all one are parted."""
    square = function(lambda ctx, x: x * x, lambda ctx, g: 2 * g)
    report = check_function(square, torch.square, torch.ones(3, 2), ways=["redrawn"], order=1, draws=0)
    assert not report


def test_nobody_looks_for_kinks_where_nothing_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """To see whether a point is smooth takes two evaluations: it is asked before something is blamed."""
    asked = []
    monkeypatch.setattr(points, "is_smooth", lambda *_: asked.append(1))
    square = function(
        lambda ctx, x: ctx.save_for_backward(x) or x * x, lambda ctx, g: 2 * g * ctx.saved_tensors[0]
    )
    assert check_function(square, torch.square, x[:2, :2], ways=["redrawn", "scales", "columns"], order=1)
    assert not asked


@pytest.mark.medium
def test_what_is_wrong_at_a_kink_alone_is_not_blamed() -> None:
    """At zero any slope from 0 to 1 is right, and one of 7 is not known to be wrong where zeros are put."""
    sevens = function(lambda ctx, x: ctx.save_for_backward(x) or x.relu(), lambda ctx, g: _relu(ctx, g))
    report = check_function(sevens, torch.relu, x[:, :, 0], ways=["zeros"], order=1)
    assert report
    assert dict(report.ways)["zeros"] == "cannot apply"


def _relu(ctx, g: Tensor) -> Tensor:
    (x,) = ctx.saved_tensors
    return torch.where(x == 0, 7 * g, g * (x > 0))


@pytest.mark.sample(1)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(
    ("name", "reference"),
    [("the largest of all", torch.amax), ("a row", lambda x: x.amax(-1)), ("pool", None)],
)
def test_a_maximum_that_gives_its_whole_gradient_to_each_of_its_equals_is_warned_of(
    dtype: torch.dtype, name: str, reference: None
) -> None:
    """As mxnet's max does (its issue 18563): the parts add up to more than the whole."""
    reference = reference or (lambda x: F.max_pool2d(x, 2))
    shape = (2, 1, 4, 4) if name == "pool" else (3, 5)
    given = torch.randn(shape, generator=torch.Generator().manual_seed(2)).to(dtype)

    def among_equals(ctx, g: Tensor, all_of_it: bool = True) -> Tensor:
        y = reference(ctx.x)
        spread_out = spread if name == "pool" else (lambda y: y.unsqueeze(-1) if y.ndim else y)
        equal = (ctx.x == spread_out(y)).to(g.dtype)
        if not all_of_it:
            number = equal.sum(-1, keepdim=True) if y.ndim else equal.sum()
            number = spread(4 * F.avg_pool2d(equal, 2)) if name == "pool" else number
            equal = equal / number
        return spread_out(g) * equal

    def forward(ctx, x: Tensor) -> Tensor:
        ctx.x = x.detach()
        return reference(x)

    wrong = check_function(function(forward, among_equals), reference, given, ways=["equal values"], order=1)
    assert wrong
    assert any(
        "not their sum, as where each of equal maxima gets all: inputs[0]" in each for each in wrong.warnings
    )
    right = function(forward, lambda ctx, g: among_equals(ctx, g, False))
    assert not check_function(right, reference, given, ways=["equal values"], order=1).warnings


@pytest.mark.medium
def test_of_complex_numbers_rows_and_columns_are_counted_and_no_parts() -> None:
    """Beyond a block of columns the conjugate is forgotten; the right twin is not warned of."""

    def product(block: int) -> type[torch.autograd.Function]:
        def backward(ctx, g: Tensor) -> tuple[Tensor, Tensor]:
            a, b = ctx.saved_tensors
            if a.shape[-1] < block:
                a, b = a.conj(), b.conj()
            return g @ b.mT, a.mT @ g

        return function(saving(torch.matmul), backward)

    numbers = torch.randn(2, 3, 2, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))
    pair = numbers[0], numbers[1].mT.contiguous()
    for block, status in ((64, "fails"), (2**20, "agrees")):
        report = check_function(product(block), torch.matmul, *pair, ways=["columns"], order=1)
        assert (dict(report.ways), report.warnings) == ({"columns": status}, ()), report
