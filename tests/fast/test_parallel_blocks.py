"""As many threads as torch has share the work; few observations are done where they are."""

import threading

import pytest
import torch

from manual_backprop.fast import parallel_blocks


def shares_of(n: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, int]]:
    """First, last and the thread of every share of n observations: in blocks of 2, from 100 in threads."""
    monkeypatch.setattr(parallel_blocks, "BLOCK", 2)
    monkeypatch.setattr(parallel_blocks, "PARALLEL", 100)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    # All wait for all: a share that began after another's end would break the barrier.
    together = threading.Barrier(threads if n >= 100 else 1)
    found: list[tuple[int, int, int]] = []

    def work(first: int, last: int) -> None:
        together.wait(timeout=10)
        found.append((first, last, threading.get_ident()))

    parallel_blocks.in_parallel(work, n)
    return sorted(found)


def test_every_thread_has_a_share_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also on a machine of more cores than Python's own choice of threads, which ends at 32."""
    found = shares_of(100, 50, monkeypatch)
    assert [(first, last) for first, last, _ in found] == [(2 * k, 2 * k + 2) for k in range(50)]
    idents = {ident for _, _, ident in found}
    assert len(idents) == 50
    assert threading.get_ident() not in idents


def test_few_observations_wake_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does any number of them where torch has one thread."""
    here = threading.get_ident()
    assert shares_of(99, 4, monkeypatch) == [(0, 99, here)]
    assert shares_of(1000, 1, monkeypatch) == [(0, 1000, here)]


def test_an_error_in_a_thread_is_raised_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """None is lost with its thread."""
    monkeypatch.setattr(parallel_blocks, "PARALLEL", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)

    def work(first: int, last: int) -> None:
        raise ArithmeticError(f"{first} to {last}")

    with pytest.raises(ArithmeticError, match="0 to"):
        parallel_blocks.in_parallel(work, 2 * parallel_blocks.BLOCK)
