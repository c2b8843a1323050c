"""grade.py: whatever a student's file is called, and whatever it returns, the class is told."""

import argparse
from pathlib import Path

import pytest

import grade
from grading.judging import Graded
from grading.submissions import submissions


def test_every_submission_has_a_name_of_its_own(tmp_path: Path) -> None:
    """A file and a folder of one name are two students; no name has lines or commands in it."""
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada/work.py").touch()
    for name in ("ada.py", "be\x1b[31mn.py", "two\nlines.py", "..py"):
        (tmp_path / name).touch()
    (tmp_path / "link.py").symlink_to("nowhere.py")
    found = submissions(tmp_path, "by_hand")
    assert [one.student for one in found] == ["ada", "ada.py", "be\\x1b[31mn", "link", "two lines"]
    assert "found a link to nothing" in found[3].refusal
    (tmp_path / "two lines.py").touch()
    assert [one.student for one in submissions(tmp_path, "by_hand")][-2:] == [
        r"'two\nlines.py'",
        "'two lines.py'",
    ]


def test_students_stand_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    """s2 before s10, and s02 beside s2."""
    names = ["s2", "s10", "s1", "s02", "a", "10", "9 b"]
    for name in names:
        (tmp_path / f"{name}.py").touch()
    found = [one.student for one in submissions(tmp_path, "by_hand")]
    assert found == ["9 b", "10", "a", "s1", "s02", "s2", "s10"]


def test_whatever_a_student_is_called_or_returns_the_class_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names that are no text of UTF-8, that are very long, or that rich would take for its own."""
    monkeypatch.chdir(tmp_path)
    odd = Graded("[red]zo\udce9", {"w3": True}, "w4", "extra: \ud800", text="MISMATCH: \ud800")
    marks = {"w3": 1.0}
    options = argparse.Namespace(no_autograd=False, json=False, csv="class.csv", reports="texts")
    grade._tell([odd, Graded("x" * 300)], ["w3"], marks, 7, options)
    rows = capsys.readouterr().out.splitlines()
    assert any(row.startswith("[red]zo\\udce9 ") for row in rows)
    assert any(row.startswith("x" * 29 + "… ") for row in rows)
    assert "extra: \\ud800" in (tmp_path / "class.csv").read_text()
