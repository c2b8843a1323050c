"""Code that would end the process is reported as an error of it; what is not the check's ends as it likes."""

import os
import threading
from typing import Any, NoReturn

import pytest
import torch
from torch import Tensor

from torch_reference import check_function
from torch_reference.check.around.no_way_out import no_way_out


def leaves(saved: Any, above: Tensor) -> NoReturn:
    os._exit(0)


def test_an_end_of_the_process_is_an_error_of_the_backward() -> None:
    before = os._exit
    report = check_function(((lambda x: (x * 2, None)), leaves), lambda x: x * 2, torch.ones(2))
    assert not report
    assert "os._exit(0) would end the check" in str(report)
    assert os._exit is before


def test_a_thread_that_was_there_before_may_end_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that waits for a time limit does."""
    left: list[int] = []
    monkeypatch.setattr(os, "_exit", left.append)
    begun, ended = threading.Event(), threading.Event()

    def waits() -> None:
        begun.wait()
        with pytest.raises(RuntimeError):  # after it, for this one does not end it
            os._exit(3)
        ended.set()

    thread = threading.Thread(target=waits)
    thread.start()
    with no_way_out():
        begun.set()
        ended.wait()
    thread.join()
    assert left == [3]
