"""Where another size would do harm, and what is no mistake at inputs times a thousand."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 # torch's own name for it

from torch_reference import check_function, check_modules

seeded = torch.Generator().manual_seed(0)


def test_ctc_reads_no_label_that_is_not_there() -> None:
    """torch's CTC looks at no label on a processor: with one class it wrote to what is not its own."""
    labels, lengths, seen = torch.tensor([[1, 2, 2], [3, 1, 4]]), torch.tensor([9, 8]), set()

    def loss(x: Tensor) -> Tensor:
        seen.add(x.shape)
        return F.ctc_loss(x.log_softmax(-1), labels, lengths, torch.tensor([3, 3]))

    report = check_function(
        loss, loss, torch.randn(9, 2, 6, generator=seeded), ways=["rows", "columns"], order=1
    )
    assert report, str(report)
    assert min(shape[2] for shape in seen) == 6
    assert min(shape[0] for shape in seen) == 9
    assert max(shape[2] for shape in seen) > 6


def test_what_torch_looks_at_is_still_tried_with_one_column() -> None:
    """An index that is out of range is an error of torch's there, and such a point is left out."""
    ids, seen = torch.tensor([3, 1, 1, 0]), set()

    def rows(table: Tensor) -> Tensor:
        seen.add(table.shape)
        return table[ids]

    assert check_function(rows, rows, torch.randn(5, 4, generator=seeded), ways=["columns"], order=1)
    assert (5, 1) in seen


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
