"""An index of nothing, and one that is counted from the end."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from autograd_functions import function, saving
from torch_reference import check_function

x = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_there_may_be_no_index() -> None:
    """A gradient of what was taken, not of what was given."""

    class Put(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, index: Tensor, source: Tensor) -> Tensor:
            ctx.save_for_backward(index)
            return put(x, index, source)

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, Tensor]:
            (index,) = ctx.saved_tensors
            return g.index_fill(0, index, 0), None, g[index]

    def put(x: Tensor, index: Tensor, source: Tensor) -> Tensor:
        return x.index_put((index,), source[: len(index)])

    report = check_function(
        Put, put, x, torch.tensor([0, 3]), x[:2].cos(), ways=["repeated indices"], order=1
    )
    assert report.agrees
    assert "without an index in inputs[1]" in report.warnings[0]


@pytest.mark.parametrize("index", [torch.tensor([0, 2, 3]), torch.tensor([[0, 2], [1, 3]]).T])
def test_an_index_from_the_end_is_a_copy_in_any_layout(index: Tensor) -> None:
    """The next call counts from the beginning again."""
    seen, ways = [], ["negative indices", "columns"]

    def taken(x: Tensor, index: Tensor) -> Tensor:
        seen.append(int(index.min()))
        return x[index]

    report = check_function(taken, lambda x, i: x[i], x, index, ways=ways, order=1, draws=0)
    assert dict(report.ways) == dict.fromkeys(ways, "agrees")
    assert min(seen) < 0 <= seen[-1]


def test_no_index_is_below_zero_where_nobody_looks_at_it(tmp_path: Path) -> None:
    """CTC would read what stands before the numbers of its first class: seen from other processes, too."""
    lengths = torch.tensor([4, 4]), torch.tensor([2, 2])

    def loss(x: Tensor, labels: Tensor) -> Tensor:
        (tmp_path / str(int(labels.min()))).touch()
        return functional.ctc_loss(x.log_softmax(-1), labels, *lengths)

    given = x[:, None, :].repeat(1, 2, 1), torch.tensor([[1, 2], [2, 1]])
    check_function(loss, loss, *given, ways=["whole numbers", "negative indices"], order=1, draws=0)
    assert min(int(seen.name) for seen in tmp_path.iterdir()) == 0


def test_a_group_without_a_member_before_the_last_is_met() -> None:
    """The place of the largest number of none is beyond all, which one more row takes in."""

    def largest(x: Tensor, groups: Tensor) -> Tensor:
        count = int(groups.max()) + 1
        found = x.new_full((count,), -torch.inf).scatter_reduce(0, groups, x, "amax")
        return torch.where(found.isinf(), 0, found)

    def backward(rows: int, ctx: Any, d_largest: Tensor) -> tuple[Tensor, None]:
        x, groups = ctx.saved_tensors
        found = largest(x, groups)
        places = torch.full(found.shape, len(x))
        for place, group in enumerate(groups.tolist()):
            places[group] = place if x[place] == found[group] else places[group]
        return x.new_zeros(len(x) + rows).scatter(0, places, d_largest)[: len(x)], None

    x, groups = torch.tensor([0.3, -0.2, 0.9, 0.5, 0.1]).double(), torch.tensor([0, 1, 1, 2, 0])
    for rows, status in ((0, "fails"), (1, "agrees")):
        call = function(saving(largest), partial(backward, rows)), largest, x, groups
        report = check_function(*call, ways=["repeated indices"], order=1, draws=0)
        assert dict(report.ways)["repeated indices"] == status, report


@pytest.mark.parametrize("ignores_padding", [True, False])
def test_targets_that_are_clamped_before_they_are_ignored_are_ignored(ignores_padding: bool) -> None:
    """As a label smoothing has them: what every row has a part in is 0 in those rows as well."""
    targets = torch.tensor([0, 2, 1, 1])

    def smoothed(x: Tensor, targets: Tensor) -> Tensor:
        logarithms, places = x.log_softmax(1), targets.clamp(min=0)[:, None]
        losses = -0.9 * logarithms.gather(1, places)[:, 0] - 0.1 * logarithms.mean(1)
        return losses.masked_fill(targets == -100, 0)

    def backward(ctx: Any, above: Tensor) -> tuple[Tensor, None]:
        x, targets = ctx.saved_tensors
        kept, one_hot = (targets != -100)[:, None], functional.one_hot(targets.clamp(min=0), 3)
        of_targets, of_all = 0.9 * (x.softmax(1) - one_hot) * kept, 0.1 * (x.softmax(1) - 1 / 3)
        return above[:, None] * (of_targets + (of_all * kept if ignores_padding else of_all)), None

    call = function(saving(smoothed), backward), smoothed, x, targets
    report = check_function(*call, ways=["ignored indices"], order=1, draws=0)
    assert dict(report.ways) == {"ignored indices": "agrees" if ignores_padding else "fails"}


def test_labels_that_are_compared_with_1_are_no_targets_to_ignore() -> None:
    """Of 0 and 1 both make the same; what -100 would be neither says."""

    def chosen(x: Tensor, labels: Tensor) -> Tensor:
        return torch.where(labels[:, None] == 1, x, x.sin())

    def weighted(x: Tensor, labels: Tensor) -> Tensor:
        return labels[:, None] * x + (1 - labels[:, None]) * x.sin()

    labels = torch.tensor([0, 1, 1, 0])
    for each in ((weighted, chosen), (chosen, weighted)):
        report = check_function(*each, x, labels, ways=["ignored indices"], order=1, draws=0)
        assert dict(report.ways) == {"ignored indices": "cannot apply"}


@pytest.mark.parametrize(("ignore_index", "verdict"), [(-1, "cannot apply"), (-100, "fails")])
def test_what_is_not_meant_for_ignored_targets_has_a_reference_that_ignores_others(
    ignore_index: int, verdict: str
) -> None:
    """A one-hot vector of −100 does not exist, and nobody asks for it where the reference refuses it, too."""
    reference = partial(functional.cross_entropy, ignore_index=ignore_index)

    def backward(saved: tuple[Tensor, Tensor], g: Tensor) -> tuple[Tensor, None]:
        p, targets = saved
        return g * (p - functional.one_hot(targets, p.shape[1])) / len(p), None

    pair = lambda x, t: (functional.cross_entropy(x, t), (x.softmax(-1), t)), backward
    report = check_function(pair, reference, x, torch.tensor([0, 2, 1, 0]), ways=["ignored indices"])
    assert report.agrees == (verdict == "cannot apply")
    assert dict(report.ways) == {"ignored indices": verdict}


@pytest.mark.medium
@pytest.mark.parametrize("classes", [101, 7])
def test_a_cross_entropy_that_counts_a_target_from_the_end_may_not_be_meant_for_ignored_ones(
    classes: int,
) -> None:
    """A course's, by arrays: beyond a hundred classes -100 is one of them, and else an error."""

    def forward(x: Any, targets: Any) -> tuple[Any, Any]:
        p = np.exp(x - x.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        return -np.log(p[np.arange(len(x)), targets]).mean(), (p, targets)

    def backward(saved: Any, g: Any) -> tuple[Any, None]:
        d_x = saved[0].copy()
        d_x[np.arange(len(d_x)), saved[1]] -= 1
        return g * d_x / len(d_x), None

    scores = torch.randn(4, classes, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    call = (forward, backward), functional.cross_entropy, scores, torch.tensor([0, 2, 1, 0])
    report = check_function(*call, ways=["ignored indices"], order=1)
    assert report.agrees, report
    assert len(report.warnings) == (classes > 100)
