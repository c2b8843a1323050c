"""An edit may make a user's loop run for ever: the search goes on without it."""

import contextlib
import importlib
import sys
import threading
import time
from collections.abc import Callable

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from torch_reference.judging.calls.raised_errors import user_code
from torch_reference.repair import time_limit
from torch_reference.repair.interrupted import Surroundings
from torch_reference.repair.time_limit import RunsTooLong, TimeLimit


def for_ever() -> bool:
    """A loop as an edit of its condition makes one."""
    count = 0
    while count >= 0:
        count += 1
    return True


def test_what_never_ends_is_no_answer_and_the_next_question_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the main thread and in others; and nothing watches on."""
    monkeypatch.setattr(time_limit, "LONGEST", 0.05)
    answers: list[bool] = []

    def ask() -> None:
        with TimeLimit(lambda: None) as limit:
            answers.extend([limit.holds(for_ever), limit.holds(lambda: True), limit.holds(for_ever)])

    ask()
    other = threading.Thread(target=ask)
    other.start()
    other.join(10)
    assert answers == [False, True, False] * 2
    time.sleep(0.1)
    assert not [thread for thread in threading.enumerate() if "_watch" in thread.name]


def caught() -> bool:
    """The same, in code that catches whatever is raised."""
    try:
        return for_ever()
    except BaseException:
        return True


def reported() -> bool:
    """The same, in the user's code as the check calls it."""
    with user_code("backward"):
        return for_ever()


@pytest.mark.parametrize("question", [caught, reported])
def test_what_catches_everything_does_not_hold_the_search_up(
    question: Callable[[], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found: the search waited for ever for what the user's code, or the check itself, had caught."""
    monkeypatch.setattr(time_limit, "LONGEST", 0.05)
    with TimeLimit(lambda: None) as limit:
        assert [limit.holds(question), limit.holds(lambda: True)] == [False, True]


def test_an_error_of_the_question_is_its_own() -> None:
    """Only what takes too long is answered for it."""

    def raises() -> bool:
        raise KeyError("a")

    with TimeLimit(lambda: None) as limit, pytest.raises(KeyError):
        limit.holds(raises)


@pytest.mark.medium
def test_an_import_is_not_cut_in_half(tmp_path, monkeypatch) -> None:
    """A package that takes longer than the limit is whole afterwards; what runs on behind it is stopped."""
    (tmp_path / "slowly_made").mkdir()
    (tmp_path / "slowly_made" / "__init__.py").write_text("from slowly_made import part\nwhole = True\n")
    waiting = "import time\nend = time.monotonic() + 0.6\nwhile time.monotonic() < end:\n    pass\n"
    (tmp_path / "slowly_made" / "part.py").write_text(waiting)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(time_limit, "LONGEST", 0.1)
    ended = False

    def question() -> bool:
        nonlocal ended
        importlib.import_module("slowly_made")
        begin = time.monotonic()
        while time.monotonic() < begin + 5:
            pass
        ended = True
        return True

    with TimeLimit(lambda: None) as limit:
        assert not limit.holds(question)
    assert not ended
    assert sys.modules.pop("slowly_made").whole


def test_what_is_lost_on_the_way_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error in a callback of the garbage collector's, as dynamo has one, is told and goes no further."""
    monkeypatch.setattr(time_limit, "LONGEST", 0.1)

    def twice_for_ever() -> bool:
        with contextlib.suppress(RunsTooLong):
            while True:
                time.sleep(0.01)
        while True:
            time.sleep(0.01)

    with TimeLimit(lambda: None) as limit:
        assert not limit.holds(twice_for_ever)
        assert limit.holds(lambda: True)


@pytest.mark.medium
def test_an_end_in_the_middle_of_anything_leaves_torch_as_it_was() -> None:
    """It may arrive where a mode has been entered and nobody knows yet: nothing is compiled any more."""
    dynamo = importlib.import_module("torch._dynamo.eval_frame")  # which takes two seconds

    def question() -> bool:
        torch.compiler.set_stance("force_eager")
        torch.set_grad_enabled(False)
        TorchDispatchMode().__enter__()
        TorchFunctionMode().__enter__()
        raise RunsTooLong

    before = Surroundings.now()
    with TimeLimit(lambda: None) as limit:
        assert not limit.holds(question)
    assert Surroundings.now() == before
    assert dynamo._stance.stance == "default"
