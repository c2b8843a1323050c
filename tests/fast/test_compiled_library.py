"""The kernel is compiled once and kept; where it cannot be, one warning says why."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from lessons_seven import seven_only
from manual_backprop import lesson
from manual_backprop.fast import lesson_gradient as fast
from manual_backprop.fast.kernels import compiled_library


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache with nothing in it, and a process that has not looked for the kernel yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    compiled_library.library.cache_clear()
    yield tmp_path / "manual-backprop"
    compiled_library.library.cache_clear()


def test_the_kernel_is_compiled_once_and_then_found(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second process finds the file, and needs no compiler."""
    if compiled_library.library(torch.float64) is None:  # pragma: no cover
        pytest.skip("no C compiler here")
    [file] = empty_cache.iterdir()
    made = file.stat().st_mtime_ns
    compiled_library.library.cache_clear()
    monkeypatch.setattr(compiled_library.subprocess, "run", lambda *_, **__: pytest.fail("compiled again"))
    assert compiled_library.library(torch.float64) is not None
    assert [path.stat().st_mtime_ns for path in empty_cache.iterdir()] == [made]


@seven_only
@pytest.mark.parametrize(
    ("compiler", "message"),
    [
        ("no-such-compiler", "no compiled kernel .*no-such-compiler"),
        ("false", "no compiled kernel .*exit status 1"),
        ("sh -c 'echo this is wrong >&2; exit 1'", "the C compiler failed: this is wrong"),
        ("sh -c 'for last; do :; done; echo nothing > \"$last\"'", "no compiled kernel"),
    ],
)
@pytest.mark.usefixtures("empty_cache")
def test_without_the_kernel_one_warning_says_why_and_the_gradient_is_the_same(
    compiler: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No compiler, one that fails in silence or with a message, and one that writes something else."""
    monkeypatch.setenv("CC", compiler)
    with pytest.warns(UserWarning, match=message):
        first = fast.gradients(lesson.start(), *lesson.data())
    second = fast.gradients(lesson.start(), *lesson.data())  # a second warning would be an error here
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.usefixtures("empty_cache")
def test_a_compiler_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a minute; here after a moment."""
    monkeypatch.setenv("CC", "sh -c 'exec sleep 30'")
    monkeypatch.setattr(compiled_library, "TIME_LIMIT", 0.1)
    with pytest.warns(UserWarning, match=r"no compiled kernel .*timed out after 0\.1 seconds"):
        assert compiled_library.library(torch.float64) is None


def pretend(line: list[str], **_: Any) -> None:
    """A compiler that needs no time; the file is renamed, which cannot be done across file systems."""
    made = Path(line[line.index("-o") + 1])
    assert made.parent.parent.name == "manual-backprop"
    made.write_bytes(b"compiled")


def test_every_recipe_has_a_file_of_its_own(
    tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By precision, compiler, machine and source: none takes another's, nor what was before an edit."""
    monkeypatch.setattr(compiled_library.subprocess, "run", pretend)
    files = [compiled_library._built(dtype) for dtype in compiled_library.TYPES]
    monkeypatch.setattr(compiled_library, "_instruction_set", lambda: ("-mnew",))
    files.append(compiled_library._built(torch.float64))
    monkeypatch.setenv("CC", "clang")
    files.append(compiled_library._built(torch.float64))
    for name in ("HEADER", "SOURCES"):
        edited = tmp_path / name
        edited.write_text("int edited;")
        monkeypatch.setattr(compiled_library, name, edited if name == "HEADER" else (edited,))
        files.append(compiled_library._built(torch.float64))
    assert compiled_library._built(torch.float64) == files[-1]
    assert sorted(set(files)) == sorted(empty_cache.iterdir())
    assert len(set(files)) == len(files)


def test_without_a_cache_of_ones_own_it_is_the_home_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the XDG rules have it; the folder is made where there is none."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(compiled_library.subprocess, "run", pretend)
    assert compiled_library._built(torch.float64).parent == tmp_path / ".cache" / "manual-backprop"


@pytest.mark.parametrize(
    ("machine", "flags"),
    [("DEFAULT", ()), ("AVX2", ("-mavx2", "-mfma")), ("AVX512", ("-mavx2", "-mfma"))],
)
def test_a_machine_is_given_the_vectors_that_it_has(
    machine: str, flags: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without AVX2 the compiler cuts the kernel's vectors into what there is."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: machine)
    assert compiled_library._instruction_set() == flags
