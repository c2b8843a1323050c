"""The kernel is compiled once and kept; where it cannot be, one warning says why, with the same numbers."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from fast_ways import COMPILED
from kernel_caches import libraries
from manual_backprop import lesson
from manual_backprop.checks import DTYPES
from manual_backprop.fast import lesson_gradient as fast
from manual_backprop.fast.kernels import (
    compiled_library,
    compiler,
    private_cache,
    self_test,
    time_limited,
    verified_library,
)

needs_compiler = pytest.mark.skipif(not COMPILED, reason="no C compiler here")
Patch = pytest.MonkeyPatch


def never(*_: object, **__: object) -> None:
    """In the place of what must not be called."""
    pytest.fail("compiled again")


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


@pytest.mark.parametrize(
    ("cc", "message"),
    [
        ("no-such-compiler", "No such file or directory: 'no-such-compiler'"),
        ("false", "the C compiler failed: exit status 1"),
        ("true", "the C compiler made no file"),
        ("'", "No closing quotation"),
        ("/", "Permission denied: '/'"),
        ("sh -c 'echo this is wrong >&2; exit 1'", "the C compiler failed: this is wrong"),
        ("sh -c 'printf caf\\\\351 >&2; exit 1'", "the C compiler failed: caf\N{REPLACEMENT CHARACTER}"),
        ("sh -c 'for last; do :; done; echo nothing > \"$last\"'", "failed its trial: file too short"),
        ("sh -c 'for last; do :; done; mkfifo \"$last\"'", "the C compiler made no file"),
    ],
)
def test_without_the_kernel_one_warning_says_why_and_the_gradient_is_the_same(
    cc: str, message: str, empty_cache: Path, monkeypatch: Patch
) -> None:
    """No compiler, one that is none, one that fails, one that writes something else: for both precisions."""
    monkeypatch.setenv("CC", cc)
    with pytest.warns(UserWarning, match=f"no compiled kernel .*{message}") as said:
        first = fast.gradients(lesson.start(), *lesson.data())
    assert len(said) == 1
    assert "\n" not in str(said[0].message)
    # A second warning would be an error here.
    assert compiled_library.library(torch.float32) is None
    second = fast.gradients(lesson.start(), *lesson.data())
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not empty_cache.is_dir() or not libraries(empty_cache)


def test_a_compiler_that_hangs_is_given_up(empty_cache: Path, monkeypatch: Patch) -> None:
    """After a minute; here after a moment. What it wrote is removed."""
    writes = 'for last; do :; done; echo part > "$last"; echo part > $TMPDIR/x'
    monkeypatch.setenv("CC", f"sh -c '{writes}; sleep 60'")
    monkeypatch.setattr(compiler, "TIME_LIMIT", 0.3)
    with pytest.warns(UserWarning, match=r"no compiled kernel \(sh did not end within 0\.3 seconds\)"):
        assert compiled_library.library(torch.float64) is None
    assert not libraries(empty_cache)


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


def pretend(line: list[str], *_: object) -> time_limited.Ended:
    """A compiler and a trial that need no time."""
    if "-o" in line:
        Path(line[line.index("-o") + 1]).write_bytes(repr(line[:-1]).encode())
    return time_limited.Ended(0, "")


def test_every_recipe_has_a_file_of_its_own(tmp_path: Path, empty_cache: Path, monkeypatch: Patch) -> None:
    """By precision, compiler, machine and source: none takes another's, nor what was before an edit."""
    recipes = [compiler.recipe(dtype) for dtype in DTYPES]
    changes: list[Callable[[], None]] = [
        lambda: monkeypatch.setattr(compiler, "instruction_set", lambda: ("-mnew",)),
        lambda: monkeypatch.setenv("CC", "clang"),
        lambda: monkeypatch.setattr(compiler.platform, "machine", lambda: "vax"),
        lambda: monkeypatch.setattr(compiler, "_processor", lambda: b"flags: new"),
    ]
    for name in ("HEADER", "SOURCES"):
        edited = tmp_path / name
        edited.write_text("int edited;")
        new = edited if name == "HEADER" else (edited,)
        changes.append(lambda name=name, new=new: monkeypatch.setattr(compiler, name, new))
    for change in changes:
        change()
        recipes.append(compiler.recipe(torch.float64))
    assert len(set(recipes)) == len(recipes) == 8
    assert compiler.recipe(torch.float64) == recipes[-1]
    monkeypatch.setattr(time_limited, "run", pretend)
    with private_cache.private_folder() as folder, private_cache.work_folder(folder) as work:
        assert compiler.compiled(torch.float64, work).startswith(b"['clang', ")


@pytest.mark.parametrize(
    ("machine", "flags"),
    [("DEFAULT", ()), ("AVX2", ("-mavx2", "-mfma")), ("AVX512", ("-mavx2", "-mfma"))],
)
def test_a_machine_is_given_the_vectors_that_it_has(
    machine: str, flags: tuple[str, ...], monkeypatch: Patch
) -> None:
    """Without AVX2 the compiler cuts the kernel's vectors into what there is."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: machine)
    assert compiler.instruction_set() == flags


@needs_compiler
def test_where_no_memory_can_be_loaded_a_copy_is(empty_cache: Path, monkeypatch: Patch) -> None:
    """As on macOS; and nothing of it is left."""
    monkeypatch.delattr(os, "memfd_create")
    kernel = compiled_library.library(torch.float64)
    assert kernel is not None
    assert kernel._name.startswith(str(empty_cache))
    assert len(libraries(empty_cache)) == 1


@needs_compiler
def test_a_full_disk_costs_the_next_process_a_compilation(empty_cache: Path, monkeypatch: Patch) -> None:
    """This one has its kernel, and half a file is not left."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(private_cache.os, "fsync", full)
    assert compiled_library.library(torch.float64) is not None
    assert not libraries(empty_cache)
