"""A call at the given point, in another layout or of another gradient alone, may end the process, too."""

import os
import signal
import threading
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference import check_function
from torch_reference.judging.report import Report


def end() -> None:
    """As a kernel ends that reads what is not its own."""
    os.kill(os.getpid(), signal.SIGSEGV)


Ends = Callable[[Tensor, Tensor | None], bool]


def checked(way: str, ends: Ends, reference: Callable = torch.sin) -> Report:
    """The report on a sine that is handed its memory, and ends the process where it is told so."""
    x = torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    class Sine(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            x.data_ptr()
            if ends(x, None):
                end()
            ctx.save_for_backward(x)
            return x.sin()

        @staticmethod
        def backward(ctx, above):
            (x,) = ctx.saved_tensors
            if ends(x, above):
                end()
            return above * x.cos()

    return check_function(Sine, reference, x, ways=[way], order=1)


@pytest.mark.medium
def test_what_ends_in_each_other_process_is_judged_in_this_one() -> None:
    """The threads of a library are not there."""
    here = os.getpid()
    report = checked("sliced rows", lambda x, above: above is not None and os.getpid() != here)
    assert dict(report.ways) == {"sliced rows": "agrees"}, report


@pytest.mark.medium
def test_two_threads_may_end_it_at_any_call() -> None:
    """The same calls, made once more, may not."""
    main = threading.main_thread()
    report = checked("two threads", lambda x, above: threading.current_thread() is not main)
    assert [each.name for each in report.findings if not each.agrees] == ["call"], report


@pytest.mark.medium
def test_an_end_is_no_better_than_an_error_of_the_reference() -> None:
    """Which is its own."""

    class Sine(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.sin()

        @staticmethod
        def backward(ctx, above):
            if not above.is_contiguous():
                raise RuntimeError("it is laid out otherwise")
            return above * ctx.saved_tensors[0].cos()

    report = checked("sliced rows", lambda x, above: above is not None and not above.is_contiguous(), Sine)
    assert dict(report.ways) == {"sliced rows": "fails"}, report


@pytest.mark.medium
def test_where_it_may_refuse_or_elsewhere_an_end_is_a_warning() -> None:
    """In a second backward, and at a point that nobody gave."""
    calls = list[int]()

    def second(x: Tensor, above: Tensor | None) -> bool:
        calls[:] = [*calls, x._version] if above is not None else []
        return len(calls) > 1

    given = list[Tensor]()

    def moved(x: Tensor, above: Tensor | None) -> bool:
        given[:] = given or [x.clone()]
        return not torch.equal(x, given[0])

    for way, ends in (("backward twice", second), ("redrawn", moved)):
        report = checked(way, ends)
        assert report.agrees, report
        assert dict(report.ways) == {way: "warns"}, report


@pytest.mark.medium
def test_an_end_at_the_given_point_is_found_too() -> None:
    """A kernel that is handed an upstream gradient of one number for all reads on behind it."""

    def forward(x: Tensor) -> tuple[Tensor, Tensor]:
        x.data_ptr()  # as a kernel does that is handed the memory
        return x.sin(), x

    def backward(x: Tensor, above: Tensor) -> Tensor:
        if not above.is_contiguous():
            os.kill(os.getpid(), signal.SIGSEGV)
        return above * x.cos()

    x = torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    report = check_function((forward, backward), torch.sin, x, ways=["sliced rows", "rows"])
    assert report.note == "with row-sliced upstream gradients"
    [wrong] = [each for each in report.findings if not each.agrees]
    assert (wrong.name, wrong.row.explanation) == ("backward", "the process ends by SIGSEGV")
    assert dict(report.ways)["rows"] == "agrees"


@pytest.mark.medium
def test_torchs_own_end_is_a_warning() -> None:
    """Of a group norm's offsets alone, where images are channels-last (torch 2.13)."""
    images = torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(1))
    images = images.to(memory_format=torch.channels_last)
    gain, offset = torch.ones(4), torch.zeros(4)

    def group_norm(images: Tensor, gain: Tensor, offset: Tensor) -> Tensor:
        return functional.group_norm(images, 2, gain, offset)

    report = check_function(group_norm, group_norm, images, gain, offset, ways=["each input alone"], order=1)
    assert report, str(report)
    assert "the process ends by SIGSEGV" in " ".join(report.warnings)
