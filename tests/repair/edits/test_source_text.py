"""A diff that `git apply` takes, whatever ends the lines of the file."""

import subprocess

import pytest

from torch_reference.repair.edits.source_text import unified_diff

LINES = ["---first", "naïve = x\x0c", "-- third", "\tlast"]
ENDS = {
    "Unix": ["\n"] * 4,
    "Windows": ["\r\n"] * 4,
    "no newline at the end": ["\n", "\n", "\n", ""],
    "Windows, none at the end": ["\r\n", "\r\n", "\r\n", ""],
    "mixed": ["\r\n", "\n", "\r\n", "\n"],
}


@pytest.mark.parametrize("ends", ENDS.values(), ids=list(ENDS))
def test_git_applies_the_diff_of_any_line(ends, tmp_path) -> None:
    """Every line in turn; nothing else of the file changes."""
    file = tmp_path / "a file.py"
    before = "".join(f"{line}\n" for line in LINES)
    for changed in range(len(LINES)):
        after = [f"{line}!" if place == changed else line for place, line in enumerate(LINES)]
        file.write_bytes("".join(map("".join, zip(LINES, ends, strict=True))).encode())
        diff = unified_diff(str(file), file.name, before, "".join(f"{line}\n" for line in after))
        subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=diff.encode(), check=True)
        assert file.read_bytes() == "".join(map("".join, zip(after, ends, strict=True))).encode()
