"""Groups without a member, memory with NaN in it, a dimension more."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from autograd_functions import function, saving
from torch_reference import check_function, check_modules
from torch_reference.check.ways.elsewhere import indices
from torch_reference.check.ways.elsewhere.unwritten import unwritten_is_nan

x = torch.randn(6, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def sums(x: Tensor, starts: Tensor) -> Tensor:
    """Of each sequence, one after another in memory."""
    return torch.stack([part.sum(0) for part in x.split(starts.diff().tolist())])


def of_sums(ctx, g: Tensor) -> tuple[Tensor, None]:
    """Each row belongs to a sequence, or is never written."""
    x, starts = ctx.saved_tensors
    d = torch.empty_like(x)
    for number, (start, end) in enumerate(zip(starts.tolist(), starts[1:].tolist(), strict=False)):
        d[start:end] = g[number]
    return d, None


def test_where_sequences_begin_stays_so_at_every_point() -> None:
    """With other rows, and with a sequence without a member, the last one ends where the rows do."""
    starts = torch.tensor([0, 2, 3, 6])
    ways = ["rows", "columns", "repeated indices", "ignored indices"]
    report = check_function(function(saving(sums), of_sums), sums, x, starts, ways=ways, order=1)
    assert report, str(report)
    assert dict(report.ways) == dict.fromkeys(ways[:3], "agrees") | {"ignored indices": "cannot apply"}


def test_indices_that_add_up_to_the_rows_by_chance_are_indices() -> None:
    """One beyond the rows is out of range: it is repeated as others are."""

    def overwrites(ctx, g: Tensor) -> tuple[Tensor, None]:
        table, index = ctx.saved_tensors
        d = torch.zeros_like(table)
        d[index] = g
        return d, None

    index = torch.tensor([1, 0, 2, 3])
    gather = function(saving(lambda x, i: x[i]), overwrites)
    report = check_function(gather, lambda x, i: x[i], x, index, ways=["repeated indices"], order=1, draws=0)
    assert dict(report.ways) == {"repeated indices": "fails"}
    assert report.note == "at repeated indices"


def test_targets_that_add_up_to_the_rows_are_targets() -> None:
    """One number for each row: some are to be ignored."""

    def counts_all(ctx, g: Tensor) -> tuple[Tensor, None]:
        scores, targets = ctx.saved_tensors
        one = nn.functional.one_hot(targets.clamp(min=0), scores.shape[-1])
        return g * (scores.softmax(-1) - one) / len(scores), None

    loss = nn.functional.cross_entropy
    targets = torch.tensor([0, 2, 1, 2, 0, 1])
    report = check_function(
        function(saving(loss), counts_all), loss, x, targets, ways=["ignored indices"], draws=0
    )
    assert dict(report.ways) == {"ignored indices": "fails"}


def test_labels_of_zero_and_one_are_numbers() -> None:
    """None is ignored: a loss of -100 of them is one of -100, and its formula another."""

    def loss(x: Tensor, y: Tensor) -> Tensor:
        p = torch.sigmoid(x)
        return (1 - p * y - (1 - p) * (1 - y)) ** 2 * (nn.functional.softplus(x) - x * y)

    def right(x: Tensor, y: Tensor) -> Tensor:
        p = torch.where(y == 1, torch.sigmoid(x), torch.sigmoid(-x))
        return -((1 - p) ** 2) * torch.log(p)

    labels = torch.tensor([[0, 1, 1], [1, 0, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1], [0, 1, 0]])
    report = check_function(right, loss, x, labels, ways=["ignored indices"], order=1)
    assert report, report
    assert dict(report.ways) == {"ignored indices": "cannot apply"}
    assert indices._every_second({"y": labels.T}, -100)["y"].flatten()[1::2].eq(-100).all()


def test_what_is_never_written_is_found_where_memory_was_clear() -> None:
    """torch.empty mostly gives zeros, which would be right."""

    def first_rows(ctx, g: Tensor) -> Tensor:
        d = torch.empty(6, 3, dtype=g.dtype)
        d[:2] = g
        return d

    report = check_function(
        function(lambda ctx, x: x[:2], first_rows), lambda x: x[:2], x, ways=["unwritten memory"], draws=0
    )
    assert not report


def test_the_setting_is_put_back_by_the_last_one() -> None:
    """Also where two overlap, and where it was set before."""
    fill = torch.utils.deterministic
    for was in (False, True):
        torch.use_deterministic_algorithms(was)
        fill.fill_uninitialized_memory = False
        one, other = unwritten_is_nan(), unwritten_is_nan()
        one.__enter__()
        other.__enter__()
        one.__exit__(None, None, None)
        assert torch.empty(3).isnan().all()
        other.__exit__(None, None, None)
        assert torch.are_deterministic_algorithms_enabled() is was
        assert not torch.is_deterministic_algorithms_warn_only_enabled()
        assert not fill.fill_uninitialized_memory
        fill.fill_uninitialized_memory = True
    torch.use_deterministic_algorithms(False)


def norm(x: Tensor) -> Tensor:
    """Of the last dimension."""
    return x * (x.square().mean(-1, keepdim=True) + 1e-6).rsqrt()


def of_norm(ctx, g: Tensor) -> Tensor:
    """Of all dimensions but the first."""
    (x,) = ctx.saved_tensors
    flat, above = x.flatten(1), g.flatten(1)
    scale = (flat.square().mean(-1, keepdim=True) + 1e-6).rsqrt()
    h = flat * scale
    return (scale * (above - h * (above * h).mean(-1, keepdim=True))).reshape(x.shape)


def test_of_a_dimension_more_a_report_warns() -> None:
    """Two dimensions may be all that it takes: it is no mistake of those."""
    report = check_function(function(saving(norm), of_norm), norm, x, ways=["dimensions"], order=1)
    assert report, str(report)
    assert report.warnings == ("with a dimension more it returns others than the reference: inputs[0]",)
    assert not check_function(norm, norm, x, ways=["dimensions"], order=1).warnings


@pytest.mark.medium
def test_two_of_each_are_no_one_alike() -> None:
    """A backward may know the first of them alone; of large inputs there are none."""

    def of_the_first(ctx: Any, g: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return 2 * g * (x if x.ndim == 2 else x[:1])

    squared = function(saving(torch.square), of_the_first)
    for rows, told in ((64, 1), (65, 0)):
        x = torch.ones(rows, 64, dtype=torch.float64).cumsum(0)
        report = check_function(squared, torch.square, x, ways=["dimensions"], order=1)
        assert (report.agrees, len(report.warnings)) == (True, told), str(report)


@pytest.mark.parametrize("rows", [2, 600])
def test_an_error_of_the_backward_is_refused_where_its_forward_takes_many_rows(rows: int) -> None:
    """With one column it is a warning."""
    wrong = function(lambda ctx, x: x * 5, lambda ctx, g: g * 5 if len(g) < rows else g.reshape(3, -1, 7))
    report = check_function(wrong, lambda x: x * 5, x[:1], ways=["rows"], order=1, draws=0)
    assert dict(report.ways) == {"rows": "fails"}
    narrow = function(lambda ctx, x: x * 5, lambda ctx, g: g * 5 if g.shape[1] > 1 else g.reshape(7, -1))
    report = check_function(narrow, lambda x: x * 5, x, ways=["columns"], order=1)
    assert report
    assert report.warnings[0].startswith("with one column the backward raises an error: RuntimeError: shape")


def test_the_rows_of_a_module_are_its_inputs_and_no_parameters() -> None:
    """torch's weight norm of a matrix without a row divides by their number and ends the process."""
    torch.manual_seed(0)
    mine, plain = (nn.utils.parametrizations.weight_norm(nn.Linear(3, 2).double()) for _ in range(2))
    plain.load_state_dict(mine.state_dict())
    report = check_modules(mine, plain, x, ways=["rows", "dimensions"], order=1)
    assert report, str(report)
    assert dict(report.ways) == {"rows": "agrees", "dimensions": "agrees"}


def test_a_nested_tensor_inside_ends_no_process() -> None:
    """torch asks a mode for the sizes of such a tensor, and an error in there is the end."""
    offsets = torch.tensor([0, 2, 6])

    def nested(x: Tensor) -> Tensor:
        return torch.nested.nested_tensor_from_jagged(x, offsets).sin().values()

    report = check_function(nested, torch.sin, x, ways=["transposed"], order=1)
    assert report, str(report)
    with pytest.raises(ValueError, match=r"found a nested tensor of torch\.float64"):
        check_function(torch.sin, torch.sin, torch.nested.nested_tensor([x[0], x[1]], layout=torch.jagged))
