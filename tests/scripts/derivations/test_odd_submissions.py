"""grade.py: whatever a student's file is called, and whatever it returns, the class is told."""

import argparse
import json
from pathlib import Path

import pytest

import grade
from grading.judging import Graded
from grading.submissions import submissions
from isolation.named import NotThereError, load, parse


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


def test_a_folder_is_searched_for_the_file_with_the_function(tmp_path: Path) -> None:
    """As it comes out of an archive: deep, with helpers, with what macOS adds; a notebook is no program."""
    files = {
        "deep/a/b/work.py": "def by_hand(p, i, o): ...",
        "helped/work.py": "by_hand = None",
        "helped/helper.py": "def f(): return by_hand",
        "mac/work.py": "def by_hand(p, i, o): ...",
        "mac/__MACOSX/._work.py": "def by_hand",
        "two/one.py": "def by_hand(p, i, o): ...",
        "two/other.py": "def by_hand(p, i, o): ...",
        "jup/work.ipynb": "{}",
        "note.ipynb": "{}",
        "arch.zip": "",
        "README.md": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = {one.student: one for one in submissions(tmp_path, "by_hand")}
    taken = {name: Path(one.derivation.module).name for name, one in found.items() if not one.refusal}
    assert taken == {"deep": "work.py", "helped": "work.py", "mac": "work.py"}
    assert found["two"].refusal.endswith("found 2 files")
    assert "a notebook" in found["jup"].refusal
    assert "a notebook" in found["note.ipynb"].refusal
    assert "an archive" in found["arch.zip"].refusal
    assert "README.md" not in found


@pytest.mark.slow
def test_a_class_is_judged_from_within_its_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though a submission has the name of a module that the judge imports, or of a package that derives."""
    right = (Path(__file__).parents[2] / "class_of_twelve/ada.py").read_text()
    for name in ("json", "autograd", "tempfile"):
        (tmp_path / f"{name}.py").write_text(right)
    (tmp_path / "zeros.py").write_bytes(right.encode("utf-16"))
    patched = "import json\njson.dumps = json.loads = None\n"
    (tmp_path / "patch.py").write_text(patched + right)
    monkeypatch.chdir(tmp_path)
    assert grade.main([".", "--derivation", "by_hand", "--json"]) == 1
    found = {one["student"]: one for one in json.loads(capsys.readouterr().out)["submissions"]}
    assert found.pop("zeros")["error"].startswith("zeros.py: SyntaxError")
    assert {(one["verdict"], *one["autograd"]) for one in found.values()} == {("right",)}


@pytest.mark.slow
@pytest.mark.parametrize("signal", ["SIGKILL", "SIGSTOP"])
def test_a_submission_that_ends_what_runs_it_ends_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], signal: str
) -> None:
    """The nursery is the parent of its parent, and of the same user."""
    if not Path("/proc/self/status").exists():
        pytest.skip("nothing tells who the parent's parent is")
    (tmp_path / "a.py").write_text(
        "import os, re, signal\n"
        "status = open(f'/proc/{os.getppid()}/status').read()\n"
        f"os.kill(int(re.search(r'PPid:\\s*(\\d+)', status)[1]), signal.{signal})\n"
        "def by_hand(p, i, o): return {}\n"
    )
    right = (Path(__file__).parents[2] / "class_of_twelve/ada.py").read_text()
    (tmp_path / "b.py").write_text(right)
    assert grade.main([str(tmp_path), "--derivation", "by_hand", "--json", "--jobs", "1"]) == 1
    found = {one["student"]: one["verdict"] for one in json.loads(capsys.readouterr().out)["submissions"]}
    assert found == {"a": "wrong", "b": "right"}


def test_a_notebook_is_told_to_be_one() -> None:
    """Its name reads like a package's."""
    with pytest.raises(NotThereError, match=r"^week 3\.ipynb is a notebook: expected a \.py file"):
        load(parse("--derivation", "week 3.ipynb:by_hand"))


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
