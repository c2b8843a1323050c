"""As many threads as torch has share the work; few observations are done where they are."""

import subprocess
import sys
import threading

import pytest
import torch

from manual_backprop import lesson
from manual_backprop.fast import lesson_gradient, parallel_blocks


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


def test_what_no_thread_takes_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no more threads, or the interpreter is about to end."""

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(parallel_blocks.ThreadPoolExecutor, "submit", refuse)
    monkeypatch.setattr(parallel_blocks, "BLOCK", 2)
    monkeypatch.setattr(parallel_blocks, "PARALLEL", 10)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    found: list[tuple[int, int, int]] = []
    parallel_blocks.in_parallel(lambda a, b: found.append((a, b, threading.get_ident())), 15)
    here = threading.get_ident()
    assert found == [(0, 4, here), (4, 8, here), (8, 12, here), (12, 15, here)]


AT_THE_END = """
import atexit, threading, time
import torch
from manual_backprop import gradients, lesson
from manual_backprop.fast import gradients as fast, lesson_gradient
from manual_backprop.fast.triangle_in_blocks import from_data

torch.set_num_threads(2)
inputs = torch.linspace(-1, 1, 70_000, dtype=torch.float64)
if {compiled}:
    fast(lesson.start(), inputs, inputs)
else:
    lesson_gradient.library = lambda _: None

def late():
    found = fast(lesson.start(), inputs, inputs)
    expected = gradients(lesson.start(), inputs, inputs)
    from_data(lesson.start(), inputs, inputs)
    print(all(torch.allclose(found[name], expected[name], rtol=1e-12, atol=0) for name in found), flush=True)

def in_a_daemon():
    threading.main_thread().join()
    late()
    done.set()

done = threading.Event()
if {daemon}:
    threading.Thread(target=in_a_daemon, daemon=True).start()
    atexit.register(done.wait, 60)
else:
    atexit.register(late)
"""


@pytest.mark.slow
@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("daemon", [True, False])
def test_many_observations_at_the_end_of_the_interpreter(compiled: bool, daemon: bool) -> None:
    """In atexit, and in a daemon thread that is still at work then."""
    script = AT_THE_END.format(compiled=compiled, daemon=daemon)
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("True\n", "", 0)


def test_the_inference_mode_of_the_caller_reaches_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """What threads make outside of it is put together inside."""
    for module in (parallel_blocks, lesson_gradient):
        monkeypatch.setattr(module, "BLOCK", 2)
    monkeypatch.setattr(parallel_blocks, "PARALLEL", 10)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    monkeypatch.setattr(lesson_gradient, "library", lambda _: None)
    inputs = torch.linspace(-1, 1, 15, dtype=torch.float64)
    expected = lesson_gradient.gradients(lesson.start(), inputs, inputs.sin())
    with torch.inference_mode():
        found = lesson_gradient.gradients(lesson.start(), inputs.clone(), inputs.sin())
    assert all(torch.equal(found[name], expected[name]) for name in expected)
