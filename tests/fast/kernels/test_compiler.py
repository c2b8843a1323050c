"""What is compiled, with which options, and what becomes of a compiler that fails."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from kernel_caches import libraries
from lessons_seven import seven_only
from manual_backprop import lesson
from manual_backprop.checks import DTYPES
from manual_backprop.fast import lesson_gradient as fast
from manual_backprop.fast.kernels import (
    compiled_library,
    compiler,
    private_cache,
    time_limited,
)

Patch = pytest.MonkeyPatch


@seven_only
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
