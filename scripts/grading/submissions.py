"""The submissions of a class: a file, a package, or a folder with one file, for each student."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from isolation.named import Named
from reading.plain_lines import one_line


class Submission(NamedTuple):
    """A student's name, and the derivation in what they handed in; a reason where there is none."""

    student: str
    derivation: Named
    refusal: str = ""


def submissions(folder: Path, attribute: str, only: Sequence[str] = ()) -> list[Submission]:
    """All submissions of a folder, by name; ValueError where there are none."""
    if not folder.is_dir():
        raise ValueError(f"{folder}: expected a folder with a file or a package for each student")
    paths = [
        path
        for path in sorted(folder.iterdir(), key=_by_number)
        if not path.name.startswith((".", "_")) and (path.is_dir() or path.suffix == ".py")
    ]
    stems = Counter(path.name if path.is_dir() else path.stem for path in paths)
    found = [_submission(path, attribute, stems) for path in paths]
    names = Counter(one.student for one in found)
    for place, path in enumerate(paths):
        if names[found[place].student] > 1:  # two that differ in what is not shown
            found[place] = found[place]._replace(student=one_line(repr(path.name)))
    if not found:
        raise ValueError(f"{folder}: expected a .py file or a package for each student, found none")
    unknown = sorted(set(only) - {one.student for one in found})
    if unknown:
        raise ValueError(f"--only: {folder} has no submission of {unknown[0]!r}")
    return [one for one in found if not only or one.student in only]


def _by_number(path: Path) -> tuple[list[str | int], str]:
    """So that s2 comes before s10."""
    parts = re.split(r"([0-9]+)", path.name)
    return [int(part) if number % 2 else part for number, part in enumerate(parts)], path.name


def _submission(path: Path, attribute: str, stems: Counter[str]) -> Submission:
    """A file's student is its name without .py, unless that is another's as well."""
    student = one_line(path.stem if path.suffix == ".py" and stems[path.stem] == 1 else path.name)
    if not path.is_dir():
        reason = (
            "" if path.is_file() else "expected a file, found a link to nothing, or something that is no file"
        )
        return Submission(student, Named(str(path), attribute), reason)
    if (path / "__init__.py").is_file():
        return Submission(student, Named(str(path), attribute))
    files = sorted(file for file in path.glob("*.py") if file.is_file())
    if len(files) == 1:
        return Submission(student, Named(str(files[0]), attribute))
    reason = f"expected a package or one .py file in {path.name}/, found {len(files)} files"
    return Submission(student, Named(str(path), attribute), reason)
