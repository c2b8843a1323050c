"""The folder in which the kernels are kept: the user's own, which nobody else may write to or read.

A library's name is what it was made from and the SHA-256 of its bytes, which are read once, compared with the
name, and loaded from that copy: what was cut, zeroed or flipped on the disk has another sum, and is removed.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

NAME = "manual-backprop"
LARGEST = 1 << 26
"""Bytes of a library; a kernel has some 50,000."""

WORK = "building-"
LEFT_BEHIND = 3600.0
"""Seconds after which a folder of a compilation belongs to nobody, whatever its name says."""


@contextlib.contextmanager
def private_folder() -> Iterator[int]:
    """A descriptor of the folder, which is made if there is none; everything below it is reached through it.

    Errors: OSError, RuntimeError where there can be no such folder, or where others could write to it
    """
    path = cache_path()
    _make(path)
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        found = os.fstat(folder)
        if found.st_uid != os.geteuid():
            raise RuntimeError(f"the cache {path} belongs to another user, number {found.st_uid}")
        if found.st_mode & 0o022:
            mode = stat.S_IMODE(found.st_mode)
            raise RuntimeError(f"others may write to the cache {path} (mode {mode:o}): remove it")
        if found.st_mode & 0o077:
            os.fchmod(folder, 0o700)
        _sweep(folder)
        yield folder
    finally:
        os.close(folder)


def cache_path() -> Path:
    """Where the XDG rules have it: by them, a path that is not absolute is none."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(named) if Path(named).is_absolute() else Path.home() / ".cache"
    if not base.is_absolute():
        raise RuntimeError(f"a cache needs an absolute path, found HOME={os.environ.get('HOME')!r}")
    return base / NAME


def kept(folder: int, recipe: str) -> bytes | None:
    """The library that was made by this recipe, if it is whole; what is not is removed."""
    for name in sorted(os.listdir(folder)):
        if name.startswith(f"kernel-{recipe}-"):
            contents = _read(folder, name)
            if contents is not None and name == _name(recipe, contents):
                return contents
            _remove(folder, name)
    return None


def keep(folder: int, recipe: str, contents: bytes) -> None:
    """Store a library: after a crash of the machine, too, there is all of it under its name or nothing."""
    name = _name(recipe, contents)
    with work_folder(folder) as work:
        part = work / name
        new = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(new, "wb") as file:
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, name, dst_dir_fd=folder)
    os.fsync(folder)


def drop(folder: int, recipe: str) -> None:
    """Remove what was made by this recipe."""
    for name in os.listdir(folder):
        if name.startswith(f"kernel-{recipe}-"):
            _remove(folder, name)


@contextlib.contextmanager
def work_folder(folder: int) -> Iterator[Path]:
    """A folder for the time of a compilation; if this process is killed, the next one removes it."""
    prefix = f"{WORK}{_host()}-{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=cache_path(), ignore_cleanup_errors=True) as made:
        own = os.open(made, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            # Elsewhere's cache is not what was looked at: a parent folder that others may write to.
            if Path(made).name not in os.listdir(folder):
                raise RuntimeError(f"the cache {cache_path()} was exchanged")
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(own, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield Path(made)
        finally:
            os.close(own)


def _make(path: Path) -> None:
    """The folder and those above it, each 0700 whatever the umask is."""
    for part in (*reversed(path.parents), path):
        if not part.is_dir():
            with contextlib.suppress(FileExistsError):
                part.mkdir(mode=0o700)
                part.chmod(0o700)


def _read(folder: int, name: str) -> bytes | None:
    """The bytes of a regular file of no more than LARGEST; a FIFO is not waited for, nor a link followed."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with contextlib.suppress(OSError):  # there is none, or a link, or a sector that cannot be read
        file = os.open(name, flags, dir_fd=folder)
        try:
            found = os.fstat(file)
            if stat.S_ISREG(found.st_mode) and found.st_size <= LARGEST:
                with os.fdopen(file, "rb", closefd=False) as opened:
                    return opened.read(LARGEST)
        finally:
            os.close(file)
    return None


def _name(recipe: str, contents: bytes) -> str:
    return f"kernel-{recipe}-{hashlib.sha256(contents).hexdigest()}.so"


def _remove(folder: int, name: str) -> None:
    """Whatever it is."""
    with contextlib.suppress(OSError):
        if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            shutil.rmtree(name, dir_fd=folder)
        else:
            os.unlink(name, dir_fd=folder)


def _sweep(folder: int) -> None:
    """Remove the folders of compilations that were killed."""
    for name in os.listdir(folder):
        if name.startswith(WORK) and _is_left_behind(folder, name):
            _remove(folder, name)


def _is_left_behind(folder: int, name: str) -> bool:
    host, _, rest = name.removeprefix(WORK).partition("-")
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if time.time() - found.st_mtime > LEFT_BEHIND:
            return True
        if host != _host() or _is_alive(int(rest.partition("-")[0])):
            return False
        # In a container of its own, a process has a number that means another one here; but it has its lock.
        own = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        try:
            fcntl.flock(own, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(own)
    except (OSError, ValueError):
        return False
    return True


def _host() -> str:
    """A name without hyphens: a home may be shared by several machines."""
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
