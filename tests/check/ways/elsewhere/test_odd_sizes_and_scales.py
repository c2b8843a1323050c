"""Where another size would do harm, what is one number long, and what is right times a thousand."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 # torch's own name for it
from torch.nn.grad import conv2d_input, conv2d_weight

from autograd_functions import function, saving
from torch_reference import check_function, check_modules

seeded = torch.Generator().manual_seed(0)


def see(folder: Path, value: Tensor) -> None:
    """Leave a trace that other processes see."""
    (folder / " ".join(map(str, value.shape))).touch()


def shapes_seen(folder: Path) -> set[tuple[int, ...]]:
    return {tuple(map(int, each.name.split())) for each in folder.iterdir()}


def test_ctc_reads_no_label_that_is_not_there(tmp_path: Path) -> None:
    """torch's CTC looks at no label on a processor: with one class it wrote to what is not its own."""
    labels, lengths = torch.tensor([[1, 2, 2], [3, 1, 4]]), torch.tensor([9, 8])

    def loss(x: Tensor) -> Tensor:
        see(tmp_path, x)
        return F.ctc_loss(x.log_softmax(-1), labels, lengths, torch.tensor([3, 3]))

    report = check_function(
        loss, loss, torch.randn(9, 2, 6, generator=seeded), ways=["rows", "columns"], order=1
    )
    assert report, str(report)
    seen = shapes_seen(tmp_path)
    assert min(shape[2] for shape in seen) == 6
    assert min(shape[0] for shape in seen) == 9
    assert max(shape[2] for shape in seen) > 6


def test_what_torch_looks_at_is_still_tried_with_one_column(tmp_path: Path) -> None:
    """An index that is out of range is an error of torch's there, and such a point is left out."""
    ids = torch.tensor([3, 1, 1, 0])

    def rows(table: Tensor) -> Tensor:
        see(tmp_path, table)
        return table[ids]

    assert check_function(rows, rows, torch.randn(5, 4, generator=seeded), ways=["columns"], order=1)
    assert (5, 1) in shapes_seen(tmp_path)


class Attention(nn.Module):
    """One head, whose logits are of the fourth power of what all is multiplied by."""

    def __init__(self, fused: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.norm, self.fused = nn.Linear(8, 24), nn.LayerNorm(8), fused

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.layer(self.norm(x)).chunk(3, -1)
        if self.fused:
            return F.scaled_dot_product_attention(q[None], k[None], v[None], is_causal=True)[0]
        after = torch.full((len(x), len(x)), -torch.inf, dtype=x.dtype).triu(1)
        return torch.softmax(q @ k.mT / 8**0.5 + after, -1) @ v


def test_a_modules_parameters_are_not_multiplied_by_a_thousand() -> None:
    """Layers multiply them by each other: no training comes there, and float32 overflows."""
    torch.manual_seed(1)
    largest: list[float] = []
    mine, reference = Attention(True), Attention(False)

    def look(layer: nn.Linear, *_: object) -> None:
        largest.append(float(layer.weight.abs().max()))

    mine.layer.register_forward_hook(look)
    report = check_modules(mine, reference, torch.randn(5, 8), ways=["scales"], order=1)
    assert report, str(report)
    assert dict(report.ways)["scales"] == "agrees"
    assert max(largest) < 10


@pytest.mark.medium
def test_as_many_outputs_as_rows_are_judged_with_other_rows() -> None:
    """unbind has an output for each row: with 37 rows each has an upstream gradient, and counts."""
    x = torch.randn(5, 3, generator=seeded, dtype=torch.float64)
    options = {"ways": ["rows"], "order": 1}

    def squares(x: Tensor) -> tuple[Tensor, ...]:
        return (x * x).unbind(0)

    def forgets_late_rows(x: Tensor) -> tuple[Tensor, ...]:
        return tuple(row if number < 8 else row.detach() for number, row in enumerate(squares(x)))

    assert check_function(squares, squares, x, **options)
    assert not check_function(forgets_late_rows, squares, x, **options)


@pytest.mark.medium
def test_of_a_loop_over_columns_fewer_are_enough() -> None:
    """Each step costs whoever judges some hundred times as much as it costs to run."""
    lengths: list[int] = []

    def sums(x: Tensor) -> Tensor:
        lengths.append(x.shape[1])
        return x.sin().sum(1)

    def step_by_step(x: Tensor) -> Tensor:
        return torch.stack([x[:, step].sin() for step in range(x.shape[1])]).sum(0)

    x = torch.randn(4, 3, dtype=torch.float64, generator=seeded)
    assert check_function(sums, lambda x: x.sin().sum(1), x, ways=["columns"], order=1)
    assert max(lengths) > 1000
    lengths.clear()
    assert check_function(sums, step_by_step, x, ways=["columns"], order=1)
    assert 100 < max(lengths) < 600


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=seeded, dtype=torch.float64)


def height_forgotten(ctx: Any, above: Tensor) -> tuple[Tensor, Tensor]:
    """The gradient of all rows of a window goes to the row where it begins."""
    x, weight = ctx.saved_tensors
    rows = [F.conv_transpose2d(above, weight[:, :, row : row + 1]) for row in range(weight.shape[2])]
    missing = x.new_zeros(*x.shape[:2], x.shape[2] - above.shape[2], x.shape[3])
    return torch.cat([sum(rows), missing], 2), conv2d_weight(x, weight.shape, above)


def in_its_row(ctx: Any, above: Tensor) -> tuple[Tensor, Tensor]:
    x, weight = ctx.saved_tensors
    return conv2d_input(x.shape, weight, above), conv2d_weight(x, weight.shape, above)


@pytest.mark.medium
def test_a_window_of_one_row_is_made_higher() -> None:
    """Of what its backward forgets then a report warns: one may have been meant for all."""
    inputs = drawn(2, 3, 5, 5), drawn(4, 3, 1, 2)
    both = (function(saving(F.conv2d), each) for each in (height_forgotten, in_its_row))
    wrong, right = (check_function(each, F.conv2d, *inputs, ways=["lengths"], order=1) for each in both)
    told = "in inputs[1] (dimension 2) it returns others than the reference: inputs[0]"
    assert any(told in warning for warning in wrong.warnings)
    assert right.agrees
    assert not right.warnings


def residual(x: Tensor, weight: Tensor) -> Tensor:
    return x + F.conv2d(x, weight)


def of_residual(ctx: Any, above: Tensor) -> tuple[Tensor, Tensor]:
    x, weight = ctx.saved_tensors
    return above + F.conv_transpose2d(above, weight), conv2d_weight(x, weight.shape, above)


@pytest.mark.medium
def test_a_channel_that_is_added_to_all_others_is_none_of_its_sizes() -> None:
    """A residual has as many channels as it adds to: autograd sums what it returns."""
    inputs = drawn(2, 3, 4, 4), drawn(3, 3, 1, 1)
    of_its_own = function(saving(residual), of_residual)
    report = check_function(of_its_own, residual, *inputs, ways=["columns"], order=1)
    assert report.agrees, report
    assert report.warnings == ("with one column it returns others than the reference: inputs[0]",)


@pytest.mark.parametrize("size", [1, 2])
def test_one_column_of_a_function_of_any_size_is_judged(size: int) -> None:
    def wrong_at(ctx: Any, above: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return above * x.cos() * (2 if x.shape[1] == size else 1)

    report = check_function(
        function(saving(torch.sin), wrong_at), torch.sin, drawn(4, 3), ways=["columns"], order=1
    )
    assert dict(report.ways) == {"columns": "fails"}
