"""grade.py: a class of twelve, of which some are right, some wrong, some cheat and some are broken."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import grade
from grading.judging import Graded, Rules, graded
from grading.marks import read_marks
from grading.secret_points import LessonPoint, drawn
from grading.submissions import submissions
from isolation.nursery import Nursery
from lessons_seven import seven_only
from manual_backprop import LESSON_WRT, lesson

CLASS = Path(__file__).parents[2] / "class_of_twelve"
PAGE = Path(__file__).parents[3] / "docs/teaching.md"


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """A fork of this process, which is made at once."""
    with Nursery() as made:
        yield made


def judged(nursery: Nursery, student: str, names: tuple[str, ...] = LESSON_WRT) -> Graded:
    """One student's grade, at the lesson's point and two of a seed."""
    own = LessonPoint("the lesson's data", lesson.start(), *lesson.data())
    points = [own, *drawn(1, 2, own.inputs)]
    [submission] = submissions(CLASS, "by_hand", [student])
    seconds = 1.0 if student == "ivy" else 10.0  # she never ends
    return graded(submission, Rules(points, LESSON_WRT, names, seconds, 2**31), nursery)


@seven_only
def test_a_right_submission_is_right_everywhere(nursery: Nursery) -> None:
    """A package whose numbers are numpy's."""
    found = judged(nursery, "ben")
    assert (found.error, found.wrong(LESSON_WRT), found.autograd) == ("", [], [])


DIAGNOSES = {
    "cleo": ("predicted", "wrong sign", ["w3", "w4", "b3"]),
    "dan": ("b3", "mean for sum", ["w3", "w4", "b3"]),
    "eli": ("w4", "swapped", ["w3", "w4"]),
    "fay": ("b3", "memorised", ["w3", "w4", "b3"]),
    "jon": ("w4", "missing", ["w4"]),
    "kim": ("targets", "input mutated", ["targets"]),
}


@pytest.mark.sample(1)
@seven_only
@pytest.mark.parametrize("student", DIAGNOSES)
def test_a_wrong_submission_is_told_what_is_wrong(nursery: Nursery, student: str) -> None:
    """The first wrong link, the diagnosis, and which names are not right."""
    found = judged(nursery, student)
    assert (found.first_wrong, found.diagnosis, found.wrong(LESSON_WRT)) == DIAGNOSES[student]


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("student", "error"),
    [
        ("hal", r"hal\.py, line 13: it ended the program with sys\.exit\(0\)"),
        # Where a loop of two lines is when its time is over, nobody knows.
        ("ivy", r"ivy\.py, line 1[12]: it was still running after 1 s \(--timeout\)"),
        ("lea", r"lea\.py, line 11: NameError: name 'y3' is not defined"),
    ],
)
def test_a_broken_submission_is_one_line(nursery: Nursery, student: str, error: str) -> None:
    """With the student's file and line, and nothing is right."""
    found = judged(nursery, student)
    assert re.fullmatch(error, found.error)
    assert found.wrong(LESSON_WRT) == list(LESSON_WRT)


def test_autograd_is_noted(nursery: Nursery) -> None:
    """Its numbers are right."""
    assert judged(nursery, "gus").autograd == ["Tensor.backward (gus.py, line 11)"]


@pytest.mark.medium
def test_a_mistake_costs_its_link_only_where_links_are_worth_points(nursery: Nursery) -> None:
    """What a wrong link feeds is right given its upstream gradient."""
    assert judged(nursery, "cleo", ("predicted", *LESSON_WRT)).wrong(("predicted", *LESSON_WRT)) == [
        "predicted"
    ]


def test_the_secret_points_are_of_another_size_than_the_lesson() -> None:
    """The same for the same seed; a loop over three observations fails at each of them."""
    first, again = (drawn(7, 3, torch.zeros(3, dtype=torch.float64)) for _ in range(2))
    assert [len(point.inputs) for point in first] == [4, 5, 6]
    assert all(torch.equal(a.inputs, b.inputs) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0].inputs, drawn(8, 1, first[0].inputs)[0].inputs)


def test_marks_are_read_from_a_small_file(tmp_path: Path) -> None:
    """A name is known and has points of at least 0; without a file each derivative has one."""
    path = tmp_path / "marks.csv"
    path.write_text("name,points\nw3,2\npredicted,0.5\n")
    assert read_marks(str(path), LESSON_WRT) == {"w3": 2.0, "predicted": 0.5}
    assert read_marks(None, LESSON_WRT) == {"w3": 1.0, "w4": 1.0, "b3": 1.0}
    for row, message in (
        ("w9,1", "line 2: expected one of w1, b1"),
        ("w3,-1", "line 2: expected points of at least 0"),
        ("w3,x", "line 2: expected a number"),
        ("w3,1\nw3,1", "line 3: w3 is there twice"),
    ):
        path.write_text(f"name,points\n{row}\n")
        with pytest.raises(ValueError, match=message):
            read_marks(str(path), LESSON_WRT)


def test_a_folder_without_submissions_is_bad_input(tmp_path: Path) -> None:
    """So is a student who is not there; a folder with two files is a failed submission."""
    with pytest.raises(ValueError, match="found none"):
        submissions(tmp_path, "by_hand")
    with pytest.raises(ValueError, match="no submission of 'zoe'"):
        submissions(CLASS, "by_hand", ["zoe"])
    (tmp_path / "zoe").mkdir()
    (tmp_path / "zoe/a.py").touch()
    (tmp_path / "zoe/b.py").touch()
    assert "found 2 files" in submissions(tmp_path, "by_hand")[0].refusal


@pytest.mark.slow
def test_the_class_is_graded_as_the_page_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table but for its times and the line of the loop that has no end, the CSV file, twelve texts."""
    files = ["--csv", str(tmp_path / "class.csv"), "--reports", str(tmp_path / "reports")]
    arguments = [str(CLASS), "--derivation", "by_hand", "--timeout", "5", "--seed", "1"]
    assert grade.main([*arguments, *files]) == 1

    def words(text: str) -> str:
        text = text.replace("line 12: it was still", "line 11: it was still")
        return " ".join(
            word for word in text.split() if not word.replace(".", "", 1).isdigit() or "." not in word
        )

    assert words(capsys.readouterr().out) in words(PAGE.read_text())
    with (tmp_path / "class.csv").open() as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert (rows["ada"]["verdict"], rows["ada"]["points"], rows["hal"]["verdict"]) == (
        "right",
        "3.0",
        "failed",
    )
    assert len(list((tmp_path / "reports").iterdir())) == 12
    assert "Look for a minus sign" in (tmp_path / "reports/cleo.txt").read_text()


@pytest.mark.slow
def test_autograd_may_cost_all_points(capsys: pytest.CaptureFixture[str]) -> None:
    """And one line can be asked for again, as JSON."""
    arguments = [
        str(CLASS),
        "--derivation",
        "by_hand",
        "--seed",
        "1",
        "--only",
        "gus",
        "--json",
        "--no-autograd",
    ]
    assert grade.main(arguments) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["seed"] == 1
    assert [(one["verdict"], one["points"]) for one in document["submissions"]] == [("autograd", 0.0)]
