"""Wrong lines in published backwards: the line, the kind, and an edit that mends it or none."""

import json

import pytest

import scoreboard
from catalogue.lines.line_mistakes import LineMistake
from catalogue.lines.line_trials import checked, file_of, made, reported_mistakes, said_of, shows
from catalogue.lines.mistake_classes import CLASSES
from catalogue.lines.outside import MODULES as OUTSIDE
from catalogue.lines.published import MODULES as PUBLISHED
from catalogue.lines.reported import HELD_OUT, REPORTED

REPORTS = list(reported_mistakes())
QUICK = {
    "db = dout": "missing sum over the batch",
    "(y / a + (1 - y) / (1 - a))": "wrong sign",
}
"""What the dev profile runs, and the kind that each is called."""


def cases() -> list:
    """Every report, of which those outside the sample run with the ci profile only."""
    return [
        pytest.param(
            one, id=f"{one.subject} {one.wrong}", marks=[] if one.wrong in QUICK else pytest.mark.slow
        )
        for one in REPORTS
    ]


@pytest.mark.parametrize("mistake", cases())
def test_no_edit_that_is_shown_fails_to_mend_it(mistake: LineMistake) -> None:
    """`git apply` takes the diff, and all is right then; the quick ones are called what they are."""
    said = said_of(mistake)
    assert said.mends is not False
    if mistake.wrong in QUICK:
        assert said.line
        assert said.mends
        assert said.kind == QUICK[mistake.wrong]


@pytest.mark.slow
def test_of_the_reported_mistakes_most_are_placed_named_and_mended() -> None:
    """The line in nine of ten, the kind in eight, an edit in seven; never an edit that mends nothing."""
    said = [said_of(one) for one in REPORTS]
    assert len(said) >= 60
    assert sum(one.line for one in said) >= 0.9 * len(said)
    assert sum(one.kind_is_right for one in said) >= 0.8 * len(said)
    assert sum(one.mends is True for one in said) >= 0.7 * len(said)


@pytest.mark.parametrize(
    ("module", "subject"),
    [
        pytest.param(name, subject, marks=[] if subject in ("affine", "bce") else pytest.mark.slow)
        for name in (*PUBLISHED, *OUTSIDE)
        for subject in made(file_of(name).read_text(encoding="utf-8"), name).SUBJECTS
    ],
)
def test_every_published_backward_is_right(module: str, subject: str) -> None:
    """Else a planted mistake would mean nothing."""
    report = checked(made(file_of(module).read_text(encoding="utf-8"), module), subject)
    assert report.agrees, str(report)


def test_every_report_is_of_a_known_class_and_a_published_backward() -> None:
    """The tables have no line that says nothing, and those held out say where their kinds were reported."""
    every = (*REPORTED, *HELD_OUT)
    assert {one.kind for one in every} <= set(CLASSES)
    assert {one.subject.partition(":")[0] for one in every} <= {*PUBLISHED, *OUTSIDE}
    assert len({one[:4] for one in every}) == len(every) >= 180
    assert all(one.source for one in HELD_OUT)


@pytest.mark.medium
def test_the_scoreboard_has_columns_for_line_kind_and_edit(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """On one mistake that is placed, named and mended."""
    one = next(mistake for mistake in REPORTS if mistake.wrong == "db = dout")
    monkeypatch.setattr(
        "catalogue.lines.line_trials.reported_mistakes", lambda *tables: [] if tables else [one]
    )
    monkeypatch.setattr("catalogue.lines.line_trials.held_out_mistakes", lambda: [])
    assert scoreboard.main(["--lines", "0", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["reported"]
    assert found == {
        "mistakes": 1,
        "line": 1,
        "kind": 1,
        "of_two": 1,
        "other_kind": 0,
        "edit": 1,
        "bad_edit": 0,
        "missed": [],
    }


@pytest.mark.slow
def test_of_the_mistakes_held_out_most_are_placed_named_and_mended() -> None:
    """The line, the kind and an edit in three of four each; never an edit that mends nothing."""
    said = [said_of(one) for one in reported_mistakes(HELD_OUT) if shows(one)]
    assert len(said) >= 110
    assert not [one for one in said if one.mends is False]
    for found in (
        sum(one.line for one in said),
        sum(one.kind_is_right for one in said),
        sum(one.mends is True for one in said),
    ):
        assert found >= 0.75 * len(said)
