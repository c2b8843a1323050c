"""The pages that extend the project, applied to a copy of it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs/extending.md").read_text()
BLOCKS = re.findall(r"```python\n# (\S+?)(?:, (.*?))?\n(.*?)```", GUIDE, re.DOTALL)
"""File, place and code of every block of the guide."""

PLACES = {
    "above": r"^(?={name}\b)",
    "first in": r"^{name}: [^\n]*= {{\n",
    "last in": r"^{name}: [^\n]*= {{\n(?:(?!}})[^\n]*\n)*",
    "below": r"(?s)\A.*^(?:from|import) [^\n]*\n(?=\n)",
}
"""Where a block goes: before a line, first or last in a table, or after the last import."""


def diff_of(page: str) -> str:
    """The change that a page of docs/ describes, as git apply takes it."""
    [diff] = re.findall(r"```diff\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL)
    return diff


def copy_project(folder: Path) -> Path:
    """Everything that the tests, the linter and the scripts read."""
    tracked = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, **TEXT, check=True)
    for name in tracked.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def apply_page(folder: Path, page: str) -> None:
    """What `git apply` makes of the page's diff."""
    subprocess.run(["git", "apply", "-"], cwd=folder, input=diff_of(page), **TEXT, check=True)


def put(folder: Path, file: str, place: str, code: str, end: str = "first") -> None:
    """Put a block where its first line says, or in a file of its own; in a table, at this end of it."""
    path = folder / file
    if not place:
        assert not path.exists()
        path.write_text(code)
        return
    where, _, name = place.partition(" ")
    pattern = PLACES[f"{end} in" if where == "in" else where].format(name=re.escape(name))
    found = re.search(pattern, path.read_text(), re.MULTILINE)
    assert found, f"{file} has no place {place!r}"
    before, after = path.read_text()[: found.end()], path.read_text()[found.end() :]
    path.write_text(before + code + after)


def run_in(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A Python command in the copy, which sees the copy's packages alone."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "HYPOTHESIS_PROFILE": "dev"}
    environment = {key: value for key, value in environment.items() if not key.startswith("PYTEST_")}
    return subprocess.run([sys.executable, *command], cwd=folder, env=environment, **TEXT, check=False)


TEXT = {"capture_output": True, "text": True}
