"""The submissions of a class: a file, a package, or a folder with one file, for each student."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from isolation.named import Named


class Submission(NamedTuple):
    """A student's name, and the derivation in what they handed in; a reason where there is none."""

    student: str
    derivation: Named
    refusal: str = ""


def submissions(folder: Path, attribute: str, only: Sequence[str] = ()) -> list[Submission]:
    """All submissions of a folder, by name; ValueError where there are none."""
    if not folder.is_dir():
        raise ValueError(f"{folder}: expected a folder with a file or a package for each student")
    found = [
        _submission(path, attribute)
        for path in sorted(folder.iterdir())
        if not path.name.startswith((".", "_")) and (path.is_dir() or path.suffix == ".py")
    ]
    if not found:
        raise ValueError(f"{folder}: expected a .py file or a package for each student, found none")
    unknown = sorted(set(only) - {one.student for one in found})
    if unknown:
        raise ValueError(f"--only: {folder} has no submission of {unknown[0]!r}")
    return [one for one in found if not only or one.student in only]


def _submission(path: Path, attribute: str) -> Submission:
    if path.is_file():
        return Submission(path.stem, Named(str(path), attribute))
    if (path / "__init__.py").is_file():
        return Submission(path.name, Named(str(path), attribute))
    files = sorted(path.glob("*.py"))
    if len(files) == 1:
        return Submission(path.name, Named(str(files[0]), attribute))
    reason = f"expected a package or one .py file in {path.name}/, found {len(files)} files"
    return Submission(path.name, Named(str(path), attribute), reason)
