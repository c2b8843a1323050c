"""A kernel that reads what is not there ends its process, and what comes out is a report all the same."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 # torch's own name for it

from autograd_functions import function, saving
from torch_reference import check_function
from torch_reference.check.ways.elsewhere import apart, own_process
from torch_reference.judging.calls.cuts import Indexing

X = torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def end(x: Tensor, counts: tuple[int, ...]) -> None:
    """As a kernel does that is handed the memory, where there are so many rows."""
    x.data_ptr()
    if len(x) in counts:
        os.kill(os.getpid(), signal.SIGSEGV)


def sine(
    forward_ends: tuple[int, ...] = (), backward_ends: tuple[int, ...] = (), factor: float = 1.0
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """A pair that is wrong by a factor at many rows."""

    def forward(x: Tensor) -> tuple[Tensor, Tensor]:
        end(x, forward_ends)
        return x.sin(), x

    def backward(x: Tensor, above: Tensor) -> Tensor:
        end(x, backward_ends)
        return above * x.cos() * (factor if len(x) > 5 else 1)

    return forward, backward


def test_an_end_at_few_rows_is_a_warning() -> None:
    report = check_function(sine(backward_ends=(0, 1)), torch.sin, X, ways=["rows"])
    assert report, str(report)
    told = "with no row the backward raises an error: the process ends by SIGSEGV"
    assert report.warnings == (told,)


@pytest.mark.parametrize("part", ["forward", "backward"])
def test_an_end_at_many_rows_is_a_finding(part: str) -> None:
    report = check_function(sine(**{f"{part}_ends": (37,)}), torch.sin, X, ways=["rows", "columns"])
    assert report.note == "with 37 rows"
    [wrong] = [each for each in report.findings if not each.agrees]
    assert (wrong.name, wrong.row.explanation) == (part, "the process ends by SIGSEGV")
    assert dict(report.ways)["columns"] == "agrees"


@pytest.mark.medium
def test_an_end_hides_nothing_else() -> None:
    report = check_function(sine(backward_ends=(0, 1), factor=1.1), torch.sin, X, ways=["rows"])
    [wrong] = [each for each in report.findings if not each.agrees]
    assert (report.note, wrong.name) == ("with 37 rows", "inputs[0]")


def test_the_end_of_the_reference_is_nobodys_mistake() -> None:
    def reference(x: Tensor) -> Tensor:
        end(x, (37,))
        return x.sin()

    report = check_function(sine(), reference, X, ways=["rows", "columns"])
    assert report, str(report)
    assert dict(report.ways) == {
        "rows": "not judged (SIGSEGV where the reference is asked)",
        "columns": "agrees",
    }


def test_an_end_of_both_is_nobodys_mistake() -> None:
    """As where they call the same kernel backwards, and the forward of each takes what it was given."""

    class Sine(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(x)
            return x.sin()

        @staticmethod
        def backward(ctx: Any, *above: Tensor) -> Tensor:
            (x,) = ctx.saved_tensors
            end(x, (37,))
            return above[0] * x.cos()

    report = check_function(Sine, Sine.apply, X, ways=["rows"], order=1)
    assert report, str(report)
    assert not report.warnings


@pytest.mark.medium
def test_an_end_of_two_threads_is_a_finding() -> None:
    """Of PaddlePaddle's engine, which is one for all threads, it was the end of the check."""
    inside: list[int] = []

    def backward(ctx: Any, above: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        end(x, ())
        inside.append(threading.get_ident())
        time.sleep(0.01)
        if len({*inside}) > 1:
            os.kill(os.getpid(), signal.SIGSEGV)
        inside.pop()
        return above * x.cos()

    own = function(saving(torch.sin), backward)
    report = check_function(own, torch.sin, X, ways=["two threads", "rows"], order=1)
    assert dict(report.ways) == {"two threads": "fails", "rows": "agrees"}
    assert "in two threads at once" in str(report)
    assert "the process ends by SIGSEGV" in str(report)


@pytest.mark.medium
def test_bags_that_end_beyond_their_indices_end_no_check() -> None:
    """torch's own does not look, and reads what is not its own."""

    def bags(table: Tensor, ids: Tensor, offsets: Tensor) -> Tensor:
        return F.embedding_bag(ids, table, offsets, mode="sum")

    ids, offsets = torch.tensor([1, 2, 2, 0, 3]), torch.tensor([0, 2, 4])
    report = check_function(bags, bags, X, ids, offsets, ways=["repeated indices", "rows"])
    assert report, str(report)


def test_what_torch_looks_at_needs_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_process.multiprocessing, "get_context", lambda name: 1 / 0)
    assert check_function(torch.sin, torch.sin, X, ways=["rows"])


def test_a_label_to_be_ignored_is_asked_of_no_ctc(tmp_path: Path) -> None:
    """torch's looks at none on a processor: what it read in its place was now and then another number."""
    labels, lengths = torch.tensor([[1, 2, 2], [3, 1, 4]]), torch.tensor([9, 8])

    def loss(x: Tensor, labels: Tensor) -> Tensor:
        (tmp_path / str(int(labels.min()))).touch()  # which is seen from another process
        return F.ctc_loss(x.log_softmax(-1), labels, lengths, torch.tensor([3, 3]))

    x = torch.randn(9, 2, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    report = check_function(loss, loss, x, labels, ways=["ignored indices"], order=1)
    assert report, str(report)
    assert [each.name for each in tmp_path.iterdir()] == ["1"]


def test_a_slow_function_is_not_called_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not tried is said; a way that cannot apply takes no time."""
    monkeypatch.setattr(apart, "MOST_SECONDS", 0.0)
    report = check_function(torch.sin, torch.sin, X, ways=["transposed", "rows", "masks"], order=1)
    assert report, str(report)
    late = "not judged (TooSlow)"
    assert dict(report.ways) == {"transposed": late, "rows": late, "masks": "cannot apply"}


def test_where_no_process_can_be_made_all_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    report = check_function(sine(factor=1.1), torch.sin, X, ways=["rows"], order=1)
    assert report.note == "with 37 rows"


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_what_may_end_the_process_in_one_precision(dtype: torch.dtype) -> None:
    """torch's convolution in 16 bits, of some depths."""
    x = torch.ones(1, 1, 4, dtype=dtype)
    with Indexing() as seen:
        F.conv1d(x, x[..., :2])
    assert seen.is_unlooked == (dtype == torch.bfloat16)


def test_what_cannot_leave_its_process_is_tried_in_it() -> None:
    """The threads that numba made for the call that was given are not there in another one, and it ends."""
    pair, home = sine(factor=1.5), os.getpid()

    def forward(x: Tensor) -> tuple[Tensor, Tensor]:
        if os.getpid() != home:
            os.kill(os.getpid(), signal.SIGTERM)
        return pair[0](x)

    report = check_function((forward, pair[1]), torch.sin, X, ways=["rows", "columns"])
    assert dict(report.ways) == {"rows": "fails", "columns": "agrees"}
