"""The page of three reports shows what its own files print."""

import importlib
import re
import runpy
import sys
from pathlib import Path
from types import ModuleType

import pytest

PAGE = Path(__file__).parents[3] / "docs/three_reports.md"
FILES = ("script.py", "attention.py", "homework.py")
BLOCK = r"```python\n(.*?)```.*?```text\n(.*?)```"
ROUNDINGS = r"\S+ roundings apart; rounding explains \S+|of \d+ tried in [\d.]+ s|(?<=\.\d{9})\d+"
"""What another machine rounds otherwise, or takes longer for."""


@pytest.mark.medium
@pytest.mark.parametrize("number", range(3), ids=FILES)
def test_what_is_shown_is_what_is_printed(number: int, tmp_path: Path, monkeypatch, capsys) -> None:
    """To the letter, but for the last digits and the time."""
    source, shown = re.findall(BLOCK, PAGE.read_text(encoding="utf-8"), re.DOTALL)[number]
    (tmp_path / FILES[number]).write_text(source, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    # What a program imports by that name is gone after the test: the tests' own file has it, too.
    monkeypatch.setitem(sys.modules, "homework", ModuleType("homework"))
    monkeypatch.setattr(sys, "path", [*sys.path])
    if FILES[number] == "homework.py":
        given = ["--derivation", "homework.py:by_hand", "--wrt", "w3,b3,w1,b1"]
        importlib.import_module("compare_gradients").main(given)
    else:
        runpy.run_path(str(tmp_path / FILES[number]))
    printed = re.sub(rf"\S*/(?={FILES[number]}:)", "", capsys.readouterr().out)
    assert re.sub(ROUNDINGS, "", printed).strip() == re.sub(ROUNDINGS, "", shown).strip()
