"""The cache is the user's alone, what is read from it is whole, and the dead leave nothing in it."""

import fcntl
import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kernel_caches import libraries
from manual_backprop.fast.kernels import private_cache
from manual_backprop.fast.kernels.private_cache import WORK, drop, keep, kept, private_folder, work_folder

pytestmark = pytest.mark.usefixtures("empty_cache")
RECIPE, CONTENTS = "0123456789abcdef", b"a library" * 1000


def test_what_was_kept_is_found_by_its_recipe(empty_cache: Path) -> None:
    """And by no other; what is dropped is gone."""
    with private_folder() as folder:
        assert kept(folder, RECIPE) is None
        keep(folder, RECIPE, CONTENTS)
        keep(folder, RECIPE, CONTENTS)
        assert kept(folder, RECIPE) == CONTENTS
        assert kept(folder, "fedcba9876543210") is None
        [file] = empty_cache.iterdir()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        drop(folder, "fedcba9876543210")
        assert kept(folder, RECIPE) == CONTENTS
        drop(folder, RECIPE)
    assert not libraries(empty_cache)


@pytest.mark.parametrize("umask", [0, 0o777])
def test_the_folder_is_private_whatever_the_umask_is(umask: int, empty_cache: Path) -> None:
    """Those above it, which it makes, too."""
    before = os.umask(umask)
    try:
        with private_folder():
            pass
    finally:
        os.umask(before)
    for folder in (empty_cache, empty_cache.parent):
        assert stat.S_IMODE(folder.stat().st_mode) & 0o700 == 0o700
    assert stat.S_IMODE(empty_cache.stat().st_mode) == 0o700


def test_a_folder_that_others_may_only_read_is_made_private(empty_cache: Path) -> None:
    """Nobody can have put anything there."""
    empty_cache.mkdir()
    empty_cache.chmod(0o755)
    with private_folder():
        assert stat.S_IMODE(empty_cache.stat().st_mode) == 0o700


def writable_by_all(cache: Path) -> None:
    """As a umask of 0 makes it."""
    cache.mkdir()
    cache.chmod(0o777)


def fifo(cache: Path) -> None:
    """Opening it would wait for someone who writes."""
    os.mkfifo(cache)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (writable_by_all, r"^others may write to the cache .*manual-backprop \(mode 777\): remove it$"),
        (fifo, "Not a directory"),
        (lambda cache: cache.write_text("a file"), "Not a directory"),
    ],
)
def test_no_other_folder_is_used(make: Callable[[Path], None], message: str, empty_cache: Path) -> None:
    """The reason is one line."""
    make(empty_cache)
    with pytest.raises((OSError, RuntimeError), match=message), private_folder():
        pass


def test_another_users_folder_is_not_used(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its owner could change what is in it between two looks."""
    with private_folder():
        pass
    monkeypatch.setattr(os, "geteuid", lambda: empty_cache.stat().st_uid + 1)
    with (
        pytest.raises(RuntimeError, match=r"^the cache .* belongs to another user, number \d+$"),
        private_folder(),
    ):
        pass


def test_a_path_that_is_not_absolute_is_no_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the XDG rules have it: the current folder may be anybody's."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for named in ("", "cache", "./cache"):
        monkeypatch.setenv("XDG_CACHE_HOME", named)
        assert private_cache.cache_path() == tmp_path / "home/.cache/manual-backprop"
    monkeypatch.setenv("HOME", "home")
    with pytest.raises(RuntimeError, match=r"^a cache needs an absolute path, found HOME='home'$"):
        private_cache.cache_path()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": lambda file: os.truncate(file, 100),
    "emptied": lambda file: os.truncate(file, 0),
    "longer": lambda file: file.write_bytes(CONTENTS + b"\0"),
    "zeroed": lambda file: file.write_bytes(bytes(len(CONTENTS))),
    "one bit": lambda file: file.write_bytes(bytes([CONTENTS[0] ^ 1]) + CONTENTS[1:]),
    "a folder": lambda file: (file.unlink(), file.mkdir(), (file / "full").write_text("x")),
    "a FIFO": lambda file: (file.unlink(), os.mkfifo(file)),
    "a link": lambda file: (file.rename(file.with_name("moved")), file.symlink_to("moved")),
    "a hole of a terabyte": lambda file: os.truncate(file, 1 << 40),
    "another name": lambda file: file.rename(file.with_name(f"kernel-{RECIPE}-0.so")),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_what_is_damaged_is_not_read_but_removed(damage: Callable[[Path], object], empty_cache: Path) -> None:
    """Whatever happened to it; a FIFO is not waited for, and a link not followed."""
    with private_folder() as folder:
        keep(folder, RECIPE, CONTENTS)
        [file] = empty_cache.iterdir()
        damage(file)
        assert kept(folder, RECIPE) is None
        assert set(libraries(empty_cache)) <= {"moved"}
        keep(folder, RECIPE, CONTENTS)
        assert kept(folder, RECIPE) == CONTENTS


KILLED = """
import os, signal
from manual_backprop.fast.kernels import private_cache
with private_cache.private_folder() as folder, private_cache.work_folder(folder) as work:
    (work / "kernel.so").write_text("half of it")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_the_folder_of_a_killed_compilation_is_removed_by_the_next_process(empty_cache: Path) -> None:
    """That of one that is still at work is left to it."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    ended = subprocess.run([sys.executable, "-c", KILLED], env=environment, check=False)
    assert ended.returncode == -9
    assert len(libraries(empty_cache)) == 1
    with private_folder() as folder, work_folder(folder) as work:
        assert [path.name for path in empty_cache.iterdir()] == [work.name]
        with private_folder():
            assert work.is_dir()
    assert not libraries(empty_cache)


def work_of(process: int, host: str = "") -> str:
    """The name of a folder of a compilation by this process."""
    return f"{WORK}{host or private_cache._host()}-{process}-x"


def test_what_another_machine_compiles_is_left_until_it_must_be_dead(empty_cache: Path) -> None:
    """Its processes have numbers that mean others here; but no compilation takes an hour."""
    with private_folder():
        pass
    foreign = empty_cache / work_of(2**22 + 1, "0badcafe")
    locked = empty_cache / work_of(2**22 + 2)
    for folder in (foreign, locked):
        folder.mkdir()
    own = os.open(locked, os.O_RDONLY)
    fcntl.flock(own, fcntl.LOCK_EX)  # by a process of another container, whose number is unknown here
    with private_folder():
        assert foreign.is_dir()
        assert locked.is_dir()
    os.close(own)
    os.utime(foreign, (0, time.time() - 2 * private_cache.LEFT_BEHIND))
    with private_folder():
        assert not libraries(empty_cache)


def test_a_host_has_no_hyphen_in_its_name_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be taken for the end of the name."""
    monkeypatch.setattr(socket, "gethostname", lambda: "node-1-of-3")
    assert "-" not in private_cache._host()
    assert private_cache._host() == private_cache._host()
    monkeypatch.setattr(socket, "gethostname", lambda: "node-2-of-3")
    first = private_cache._host()
    monkeypatch.undo()
    assert private_cache._host() != first
