"""The kernel is compiled once and kept; where it cannot be, one warning says why."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from manual_backprop import fast, lesson, native


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache with nothing in it, and a process that has not looked for the kernel yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    native.library.cache_clear()
    yield tmp_path / "manual-backprop"
    native.library.cache_clear()


def test_the_kernel_is_compiled_once_and_then_found(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second process finds the file, and needs no compiler."""
    if native.library(torch.float64) is None:  # pragma: no cover
        pytest.skip("no C compiler here")
    [file] = empty_cache.iterdir()
    made = file.stat().st_mtime_ns
    native.library.cache_clear()
    monkeypatch.setattr(native.subprocess, "run", lambda *_, **__: pytest.fail("compiled again"))
    assert native.library(torch.float64) is not None
    assert [path.stat().st_mtime_ns for path in empty_cache.iterdir()] == [made]


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


def test_a_machine_without_avx2_is_not_given_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiler then cuts the vectors into what the machine has."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    assert native._instruction_set() == ()
