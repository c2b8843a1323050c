"""Unfinished files of processes that were killed: the next one that writes to their place removes them.

The name of such a file tells the machine and the process that made it, and that process holds a lock on it
while it lives: in a container of its own it has a number that means another process here.
"""

import hashlib
import os
import re
import socket
import tempfile
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except (
    ImportError
):  # Windows, where nothing is removed either: one cannot ask for a process without ending it
    fcntl = None  # type: ignore[assignment]

KEPT = 50
"""Characters of the target's name: with all of a long one the name would be longer than any file's may be."""

_swept: set[Path] = set()


def unfinished(path: Path) -> tuple[int, Path]:
    """A new hidden file beside the target, with its suffix, open and locked; the caller closes it."""
    if fcntl and path.absolute() not in _swept:
        _swept.add(path.absolute())
        _sweep(path)
    prefix = f".{path.stem[:KEPT]}-{_host()}-{os.getpid()}-"
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=prefix, suffix=path.suffix)
    if fcntl:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor, Path(name)


def _sweep(path: Path) -> None:
    """Remove what a process of this machine that is no more left behind."""
    ours = re.compile(rf"\.{re.escape(path.stem[:KEPT])}-{_host()}-(\d+)-[^.]*{re.escape(path.suffix)}")
    with suppress(OSError):
        for file in path.parent.iterdir():
            found = ours.fullmatch(file.name)
            if found and not _is_alive(int(found[1])) and _is_free(file):
                file.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    with suppress(OSError, IndexError):  # one that has ended, and whose parent has not asked how
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def _is_free(path: Path) -> bool:
    """Whether nobody holds its lock."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _host() -> str:
    """Eight digits: a folder may be shared by several machines."""
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
