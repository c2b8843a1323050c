"""What a process of its own says, and how long it is waited for."""

import time

import pytest

from torch_reference.check.ways.elsewhere import own_process
from torch_reference.check.ways.elsewhere.own_process import Say, said_apart


def test_all_is_said_before_an_error() -> None:
    def work(say: Say) -> None:
        say(1)
        say((2, "three"))
        raise SystemExit(4)

    assert list(said_apart(work)) == [1, (2, "three")]


def test_who_waits_for_ever_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once is enough: no process is made any more."""
    monkeypatch.setattr(own_process, "SILENCE", 0.05)
    monkeypatch.setattr(own_process, "_silences", [])

    def work(say: Say) -> None:
        say(1)
        time.sleep(60)

    assert own_process.may_part({})
    assert list(said_apart(work)) == [1]
    assert not own_process.may_part({})


def test_what_no_processor_works_on_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """As JAX's functions in a process without its threads: half a minute was waited for them."""
    monkeypatch.setattr(own_process, "IDLE", 0.05)
    monkeypatch.setattr(own_process, "_silences", [])
    since = time.monotonic()
    assert list(said_apart(lambda say: time.sleep(60))) == []
    assert time.monotonic() - since < own_process.SILENCE / 2


def test_who_works_for_ever_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_process, "SILENCE", 0.3)
    monkeypatch.setattr(own_process, "IDLE", 0.1)
    monkeypatch.setattr(own_process, "_silences", [])

    def work(say: Say) -> None:
        until = time.process_time() + 3
        while time.process_time() < until:
            pass
        say("done")

    assert list(said_apart(work)) == []


@pytest.mark.medium
def test_what_a_processor_works_on_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_process, "IDLE", 0.25)

    def work(say: Say) -> None:
        until = time.process_time() + 1
        while time.process_time() < until:
            pass
        say("done")

    assert list(said_apart(work)) == ["done"]
