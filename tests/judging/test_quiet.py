"""What is kept back in one thread comes back, however threads overlap, and costs no other thread a line."""

import logging
import sys
import threading
import warnings
from contextlib import AbstractContextManager

import pytest

from torch_reference.judging.calls.quiet import silent, unwarned


def overlap(first: AbstractContextManager[None], second: AbstractContextManager[None]) -> None:
    """Enter the first, enter the second in another thread, leave the first, then leave the second."""
    entered, leave = threading.Event(), threading.Event()

    def other() -> None:
        with second:
            print("dropped")
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with first:
        thread.start()
        entered.wait(10)
        print("dropped, too")
    print("meanwhile")
    leave.set()
    thread.join()


def test_standard_output_is_put_back_after_threads_that_overlap(capsys: pytest.CaptureFixture[str]) -> None:
    """With redirect_stdout the second thread would leave the first one's nowhere behind, for ever."""
    before = sys.stdout
    overlap(silent(), silent())
    assert sys.stdout is before
    print("afterwards")
    assert capsys.readouterr().out == "meanwhile\nafterwards\n"


def test_another_standard_output_that_was_set_meanwhile_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not ours is not taken away."""
    with silent():
        monkeypatch.setattr(sys, "stdout", sys.stderr)
    assert sys.stdout is sys.stderr


def test_the_filters_of_warnings_are_put_back_after_threads_that_overlap() -> None:
    """With catch_warnings the second thread would leave the first one's filters behind."""
    before = list(warnings.filters)
    overlap(unwarned(), unwarned(DeprecationWarning))
    assert warnings.filters == before
    with unwarned(DeprecationWarning):
        warnings.warn("dropped", DeprecationWarning, stacklevel=1)
        with pytest.warns(UserWarning, match="told"):
            warnings.warn("told", stacklevel=1)


def test_what_is_logged_is_kept_back_meanwhile(caplog: pytest.LogCaptureFixture) -> None:
    """torch logs what it cannot compile at sizes of ours."""
    log = logging.getLogger("of somebody else")
    with unwarned(), unwarned():
        log.error("in here")
    log.error("out there")
    assert caplog.messages == ["out there"]
