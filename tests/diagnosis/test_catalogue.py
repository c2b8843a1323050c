"""The catalogue: every planted mistake is caught where it is, and nothing right is refused."""

import json
import re
from pathlib import Path

import pytest

import scoreboard
from benchmarks.contest import Result
from catalogue import MISTAKES, RIGHT, SUBJECTS, Case
from proof import speed_contest as scoreboard_speed
from proof.peers import karpathy, quietly, torch_gradcheck
from spoiled_homework import DIAGNOSES
from torch_reference import check_derivation
from torch_reference.diagnosis import KINDS, PATTERNS

KNOWN = {*KINDS, *PATTERNS, "unknown"}


NEW_KINDS = {case.kind: case.name for case in MISTAKES if case.kind not in DIAGNOSES}
SAMPLE = {*NEW_KINDS.values(), *(case.name for case in (*MISTAKES[::20], *RIGHT[::6]))}
"""What the dev profile runs: the kinds that test_diagnosis.py leaves to it, and some of all."""


def cases(catalogue: tuple[Case, ...]) -> list:
    """Every case, of which those outside the sample run with the ci profile only."""
    return [
        pytest.param(case, id=case.name, marks=[] if case.name in SAMPLE else pytest.mark.slow)
        for case in catalogue
    ]


def test_the_catalogue_is_large_enough_and_names_what_exists() -> None:
    """At least sixty of each over six networks, each mistake at a name of its network and of a known kind."""
    assert len(MISTAKES) >= 60
    assert len(RIGHT) >= len(MISTAKES)
    assert len(SUBJECTS) >= 6
    assert len({case.name for case in (*MISTAKES, *RIGHT)}) == len(MISTAKES) + len(RIGHT)
    links = {subject.name: set(subject.links) for subject in SUBJECTS}
    for case in MISTAKES:
        assert case.where in links[case.name.partition(",")[0]]
        assert case.kind in KNOWN


def test_nine_of_ten_mistakes_have_a_diagnosis_and_every_diagnosis_has_a_mistake() -> None:
    """The others are of no kind that the check can name: it must call them unknown."""
    assert sum(case.kind != "unknown" for case in MISTAKES) >= 0.9 * len(MISTAKES)
    elsewhere = KNOWN - {case.kind for case in MISTAKES}
    tests = [path.read_text() for path in Path(__file__).parent.glob("test_*_mistakes.py")]
    root = Path(__file__).parents[2]
    elsewhere_too = (
        "tests/helpers/user_code/spoiled_homework.py",
        "tests/diagnosis/edits/test_wrong_groups.py",
        "tests/diagnosis/edits/test_what_is_known.py",
        "tests/diagnosis/test_in_16_bits.py",
        "tests/diagnosis/test_coarse_precision.py",
        "scripts/catalogue/lines/mistake_classes.py",
    )
    tests += [(root / file).read_text() for file in elsewhere_too]
    assert not [
        kind for kind in elsewhere if not any(f'"{kind}"' in text or f'"{kind},' in text for text in tests)
    ]


@pytest.mark.sample(1)
@pytest.mark.parametrize("case", cases(MISTAKES))
def test_a_mistake_is_caught_its_link_named_and_its_kind_diagnosed(case: Case) -> None:
    """Every derivation of the catalogue returns its links, so that no other link may be blamed."""
    report = check_derivation(*case.network, case.derivation)
    assert [finding.name for finding in report.findings if finding.starts_here] == [case.where], str(report)
    assert report.first_wrong.diagnosis.kind == case.kind, str(report)


@pytest.mark.sample(5)
@pytest.mark.parametrize("case", cases(RIGHT))
def test_no_right_derivation_is_refused(case: Case) -> None:
    """However awkward its point."""
    report = check_derivation(*case.network, case.derivation)
    assert report.agrees, str(report)


def test_every_diagnosis_has_its_section_in_the_documentation() -> None:
    """And nothing is explained that does not exist."""
    page = (Path(__file__).parents[2] / "docs/diagnoses.md").read_text()
    assert set(re.findall(r"^### (.*)$", page, re.MULTILINE)) == KNOWN


def test_the_peers_see_what_they_are_known_to_see() -> None:
    """A wrong sign is refused by each, and the right derivation by none: the wrappers are fair."""
    wrong, right = MISTAKES[0], RIGHT[0]
    assert (wrong.kind, right.kind) == ("wrong sign", "")
    for fast_mode in (False, True):
        assert quietly(lambda case, fast=fast_mode: torch_gradcheck(case, fast), wrong)[0]
        assert not quietly(lambda case, fast=fast_mode: torch_gradcheck(case, fast), right)[0]
    assert karpathy(wrong) == (True, "output")
    assert karpathy(right) == (False, "")


@pytest.mark.slow
def test_the_scoreboard_counts_what_the_tools_answer(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """On two cases of each: the table fits, the JSON is whole, an absent tool is said to be absent."""
    monkeypatch.setattr(scoreboard, "MISTAKES", MISTAKES[:2])
    monkeypatch.setattr(scoreboard, "RIGHT", RIGHT[:2])
    monkeypatch.setattr(scoreboard, "jax_check_grads", lambda case: None)
    assert scoreboard.main(["--no-speed", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["networks"], document["mistakes"], document["right"]) == (6, 2, 2)
    assert document["tools"]["jax check_grads"] is None
    ours = document["tools"]["this project"]
    for what in ("missed", "false_alarms", "link_not_named", "unknown", "diagnosed_wrongly"):
        assert ours[what] == []
    seconds = {"check_derivation": [0.02] * 3, "gradcheck, slow mode": [4.0, 3.0, 5.0]}
    monkeypatch.setattr(scoreboard_speed, "hold", lambda contest, *_: Result(contest, "float64", seconds))
    document["speed"] = scoreboard_speed.speed()
    scoreboard.print_table(document, with_names=True)
    table = capsys.readouterr().out
    assert max(map(len, table.splitlines())) <= 80
    assert "not installed" in table
    assert "4,810 parameters" in table
    assert "200 times as long (quartiles 175 to 225)" in table
