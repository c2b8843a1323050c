"""The submissions of a class: a file, a package, or a folder with one file, for each student."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from isolation.named import Named
from reading.plain_lines import one_line

AS_A_SCRIPT = "expected a .py file (jupyter nbconvert --to script)"
REFUSED = {".ipynb": f"a notebook: {AS_A_SCRIPT}"}
REFUSED |= dict.fromkeys((".zip", ".gz", ".tgz", ".tar", ".rar", ".7z"), "an archive: expected what is in it")
"""What is handed in, but cannot be run."""


class Submission(NamedTuple):
    """A student's name, and the derivation in what they handed in; a reason where there is none."""

    student: str
    derivation: Named
    refusal: str = ""


def submissions(folder: Path, attribute: str, only: Sequence[str] = ()) -> list[Submission]:
    """All submissions of a folder, by name; ValueError where there are none."""
    if not folder.is_dir():
        raise ValueError(f"{folder}: expected a folder with a file or a package for each student")
    paths = [path for path in sorted(folder.iterdir(), key=_by_number) if _is_handed_in(path)]
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
    if path.suffix.lower() in REFUSED and not path.is_dir():
        return Submission(one_line(path.name), Named(str(path), attribute), REFUSED[path.suffix.lower()])
    if not path.is_dir():
        reason = (
            "" if path.is_file() else "expected a file, found a link to nothing, or something that is no file"
        )
        return Submission(student, Named(str(path), attribute), reason)
    if (path / "__init__.py").is_file():
        return Submission(student, Named(str(path), attribute))
    files = [file for file in path.rglob("*.py") if file.is_file() and not _is_hidden(file, path)]
    if len(files) > 1:  # what the derivation imports may stand beside it
        files = [file for file in files if _defines(file, attribute.partition(".")[0])] or files
    if len(files) == 1:
        return Submission(student, Named(str(files[0]), attribute))
    reason = f"expected a package or one .py file with {attribute} in {path.name}/, found {len(files)} files"
    notebook = next(path.rglob("*.ipynb"), None)
    reason += f", and a notebook: {AS_A_SCRIPT}" if notebook and not files else ""
    return Submission(student, Named(str(path), attribute), reason)


def _is_handed_in(path: Path) -> bool:
    """A folder, a program, or what may hold one: what is none of them is the teacher's own."""
    return not path.name.startswith((".", "_")) and (
        path.is_dir() or path.suffix == ".py" or path.suffix.lower() in REFUSED
    )


def _is_hidden(file: Path, folder: Path) -> bool:
    """Such as what macOS puts beside each file of an archive, or somebody else's packages."""
    parts = file.relative_to(folder).parts
    return any(part.startswith((".", "__")) or part in ("venv", "site-packages") for part in parts)


def _defines(file: Path, name: str) -> bool:
    """Whether it has that name at its top, as far as it can be read."""
    try:
        text = file.read_bytes().decode("utf-8", "replace")
    except OSError:
        return False
    return re.search(rf"^(async def|def|class)\s+{name}\b|^{name}\s*=", text, re.MULTILINE) is not None
