"""Files that are there as a whole or not at all, and whether they can be written, asked before the work."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.left_behind import unfinished


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file beside the target, with the target's suffix; written, it takes the target's place.

    An error leaves the target as it was, and nothing beside it. A kill or a power cut leaves the old content
    or the new one: the new one is on the disk before it takes the name. The unfinished one that a kill leaves
    is removed by the next process that writes there. A device or a pipe is written to, and stays what it
    is; so does a link, of which the file that it names is replaced.
    """
    if _is_no_file(path):
        with tempfile.TemporaryDirectory() as folder:
            part = Path(folder, path.name)
            yield part
            with part.open("rb") as content, path.open("wb") as target:
                shutil.copyfileobj(content, target)
        return
    path = Path(os.path.realpath(path))
    descriptor, part = unfinished(path)
    try:
        yield part
        part.chmod(0o666 & ~_umask())
        _flush(part)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    if os.name == "posix":  # elsewhere a folder cannot be opened
        _flush(path.parent)


def _is_no_file(path: Path) -> bool:
    """Whether there is a device or a pipe, or a link to what is open, such as /dev/stdout."""
    is_open = path.is_symlink() and path.absolute().parts[1:2] in (("dev",), ("proc",))
    return path.exists() and not path.is_dir() and (is_open or not path.is_file())


@contextmanager
def naming(what: str) -> Iterator[None]:
    """Say of a failure of the system, such as a full disk, what it was that could not be written."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), what) from None


def check_file(path: Path, where: str) -> None:
    """Raise ValueError in one line if a file cannot be written there; the attempt leaves nothing behind."""
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if _is_no_file(path) and os.access(path, os.W_OK):
            return
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise ValueError(f"{where}: {error.strerror}") from None


def check_folder(folder: Path, where: str) -> None:
    """The same of files in a folder, which need not be there: it is looked for, not made."""
    try:
        there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    except OSError as error:  # a folder above it that nobody may look into
        raise ValueError(f"{where}: {error.strerror}") from None
    check_file(there / "picture.png", where)


def _flush(path: Path) -> None:
    """Wait until the disk has what was written; for a folder: the names in it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
