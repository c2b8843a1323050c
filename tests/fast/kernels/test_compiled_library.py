"""The kernel is compiled once and kept; where it cannot be, one warning says why, with the same numbers."""

import os
import threading
from pathlib import Path

import pytest
import torch

from fast_ways import COMPILED
from kernel_caches import libraries
from manual_backprop.checks import DTYPES
from manual_backprop.fast.kernels import (
    compiled_library,
    compiler,
    private_cache,
    self_test,
    verified_library,
)

needs_compiler = pytest.mark.skipif(not COMPILED, reason="no C compiler here")
Patch = pytest.MonkeyPatch


def never(*_: object, **__: object) -> None:
    """In the place of what must not be called."""
    pytest.fail("compiled again")


@pytest.mark.sample(1)
@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_kernel_is_compiled_once_and_then_found(
    dtype: torch.dtype, empty_cache: Path, monkeypatch: Patch
) -> None:
    """A second process finds the file, and needs no compiler."""
    kernel = compiled_library.library(dtype)
    assert kernel is not None
    assert compiled_library.library(dtype) is kernel
    before = {name: path.stat().st_mtime_ns for name, path in libraries(empty_cache).items()}
    assert len(before) == 1
    compiled_library.forget()
    monkeypatch.setattr(compiler, "compiled", never)
    assert compiled_library.library(dtype) is not None
    assert before == {name: path.stat().st_mtime_ns for name, path in libraries(empty_cache).items()}


@needs_compiler
def test_the_two_kernels_of_a_process_are_not_taken_for_one_another() -> None:
    """Both are loaded from memory that has no name, and the loader goes by names."""
    kernels = [compiled_library.library(dtype) for dtype in DTYPES]
    assert len({kernel._handle for kernel in kernels if kernel is not None}) == 2


@pytest.mark.usefixtures("empty_cache")
def test_whatever_goes_wrong_is_one_line(monkeypatch: Patch) -> None:
    """An error that nobody thought of, of several lines or of none."""
    raised: list[BaseException] = []

    def fail(_: torch.dtype) -> None:
        raise raised.pop()

    monkeypatch.setattr(verified_library, "verified_library", fail)
    for error, said in ((ArithmeticError("two\n  lines"), "two lines"), (ValueError(), "ValueError")):
        raised.append(error)
        compiled_library.forget()
        with pytest.warns(UserWarning, match=rf"no compiled kernel \({said}\)$"):
            assert compiled_library.library(torch.float64) is None
    # Ctrl-C stops the program, and is no reason to go on without a kernel.
    raised.append(KeyboardInterrupt())
    compiled_library.forget()
    with pytest.raises(KeyboardInterrupt):
        compiled_library.library(torch.float64)


@pytest.mark.usefixtures("empty_cache")
def test_another_system_has_no_kernel(monkeypatch: Patch) -> None:
    """Neither private folders nor groups of processes."""
    monkeypatch.setattr(os, "name", "nt")
    _, reason = compiled_library._sought(torch.float64)
    monkeypatch.undo()
    assert reason == "no compiled kernel on a system of the kind 'nt'"


@pytest.mark.slow
@needs_compiler
def test_threads_that_ask_at_once_compile_once(empty_cache: Path, monkeypatch: Patch) -> None:
    """The others wait for the first."""
    calls, original = [], verified_library.verified_library
    monkeypatch.setattr(
        verified_library, "verified_library", lambda dtype: calls.append(dtype) or original(dtype)
    )
    threads = [threading.Thread(target=compiled_library.library, args=(torch.float64,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == [torch.float64]
    assert len(libraries(empty_cache)) == 1


@pytest.mark.slow
@needs_compiler
def test_a_library_whose_numbers_are_wrong_is_built_anew(empty_cache: Path, monkeypatch: Patch) -> None:
    """In silence, where the new one is right; a new one that is wrong as well is not kept."""
    assert compiled_library.library(torch.float64) is not None
    right, answers = self_test.check_numbers, [True, False]

    def sometimes(kernel: object, dtype: torch.dtype) -> None:
        right(kernel, dtype)
        if answers and answers.pop(0):
            raise self_test.WrongNumbersError("wrong")

    monkeypatch.setattr(verified_library, "check_numbers", sometimes)
    compiled_library.forget()
    assert compiled_library.library(torch.float64) is not None
    assert not answers
    assert len(libraries(empty_cache)) == 1
    compiled_library.forget()
    answers += [True, True]
    with pytest.warns(UserWarning, match=r"no compiled kernel \(wrong\)"):
        assert compiled_library.library(torch.float64) is None
    assert not libraries(empty_cache)


@pytest.mark.slow
@needs_compiler
def test_where_no_memory_can_be_loaded_a_copy_is(empty_cache: Path, monkeypatch: Patch) -> None:
    """As on macOS; and nothing of it is left."""
    monkeypatch.delattr(os, "memfd_create")
    kernel = compiled_library.library(torch.float64)
    assert kernel is not None
    assert kernel._name.startswith(str(empty_cache))
    assert len(libraries(empty_cache)) == 1


@pytest.mark.slow
@needs_compiler
def test_a_full_disk_costs_the_next_process_a_compilation(empty_cache: Path, monkeypatch: Patch) -> None:
    """This one has its kernel, and half a file is not left."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(private_cache.os, "fsync", full)
    assert compiled_library.library(torch.float64) is not None
    assert not libraries(empty_cache)
