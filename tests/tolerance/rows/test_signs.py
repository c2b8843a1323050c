"""A cross-entropy, whose negative gradients, those of the hits, round otherwise than all others."""

from collections.abc import Iterator, Mapping

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference import Row, Verdict
from torch_reference.tolerance.rows import judgement
from torch_reference.tolerance.rows.by_rows import rows_by_parts
from torch_reference.tolerance.rows.whole import Allowed, Rows

ROWS, COLUMNS = 256, 512
Samples = list[tuple[Tensor, int]]
generator = torch.Generator().manual_seed(0)
X = torch.randn(ROWS, COLUMNS, generator=generator, dtype=torch.float64)
CLASSES = torch.randint(COLUMNS, (ROWS,), generator=generator)


def cross_entropy(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The mean over the rows, and its gradient."""
    leaf = values["x"].detach().requires_grad_()
    loss = functional.cross_entropy(leaf, values["classes"])
    return {"x": torch.autograd.grad(loss, leaf, values["up"])[0], "loss": loss.detach()}


def by_hand(x: Tensor, up: Tensor) -> dict[str, Tensor]:
    """The same in other roundings."""
    log_shares = x - x.logsumexp(-1, keepdim=True)
    hits = torch.zeros_like(x).scatter_(-1, CLASSES.unsqueeze(-1), 1)
    loss = -log_shares.gather(-1, CLASSES.unsqueeze(-1)).mean()
    return {"x": up * (log_shares.exp() - hits) / ROWS, "loss": loss}


def judged(x: Tensor, up: Tensor, d_x: Tensor) -> Row:
    """The row of the gradient."""

    def choices() -> Iterator[Rows]:
        yield Rows(["x", "classes"], ["x"], ROWS)

    point, actual = {"x": x, "classes": CLASSES, "up": up}, {**by_hand(x, up), "x": d_x}
    rows = rows_by_parts(cross_entropy, point, choices, actual, Allowed(), outputs=("loss",))
    assert rows is not None
    assert rows["loss"].agrees
    return rows["x"]


@pytest.mark.medium
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_is_negative_has_floors_of_its_own(
    dtype: torch.dtype, sign: int, samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few right rows are left to draws; a hit, or its neighbour, off by 1000 roundings is found."""
    monkeypatch.setattr(judgement, "PART", 8 * COLUMNS * 128)
    x, up = X.to(dtype), torch.tensor(0.7 * sign, dtype=dtype)
    right = by_hand(x, up)["x"]
    assert judged(x, up, right).agrees
    assert 0 <= samples[0][1] <= ROWS // 4
    for place in ((201, int(CLASSES[201])), (201, int(CLASSES[201]) - 1)):
        (edited := right.clone())[place] *= 1 + 1000 * torch.finfo(dtype).eps
        wrong = judged(x, up, edited)
        assert (wrong.verdict, wrong.wrong_elements) == (Verdict.DIFFERS, 1)
        assert wrong.index == tuple(each % size for each, size in zip(place, x.shape, strict=True))


def test_two_rows_are_a_sample_where_they_are_long(samples: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    """One has no halves."""
    monkeypatch.setattr(judgement, "SAMPLE", COLUMNS)
    up = torch.tensor(0.7)
    assert judged(X.float(), up, by_hand(X.float(), up)["x"]).agrees
    assert [len(rows) for rows, _ in samples] == [2]
