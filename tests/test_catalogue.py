"""The catalogue: every planted mistake is caught where it is, and nothing right is refused."""

import json
import re
from pathlib import Path

import pytest
import scoreboard
from catalogue import MISTAKES, RIGHT, SUBJECTS, Case
from peers import karpathy, quietly, torch_gradcheck

from torch_reference import Report, check_derivation
from torch_reference.kinds import KINDS, PATTERNS

KNOWN = {*KINDS, *PATTERNS, "unknown"}


@pytest.fixture(scope="module")
def reports() -> list[tuple[Case, Report]]:
    """Every planted mistake with its report."""
    return [(case, check_derivation(*case.network, case.derivation)) for case in MISTAKES]


def test_the_catalogue_is_large_enough_and_names_what_exists() -> None:
    """At least sixty of each over six networks, each mistake at a name of its network and of a known kind."""
    assert len(MISTAKES) >= 60
    assert len(RIGHT) >= 60
    assert len(SUBJECTS) >= 6
    assert len({case.name for case in (*MISTAKES, *RIGHT)}) == len(MISTAKES) + len(RIGHT)
    links = {subject.name: set(subject.links) for subject in SUBJECTS}
    for case in MISTAKES:
        assert case.where in links[case.name.partition(",")[0]]
        assert case.kind in KNOWN


def test_every_mistake_is_caught_and_its_link_is_named(reports: list[tuple[Case, Report]]) -> None:
    """Every derivation of the catalogue returns its links, so that no other link may be blamed."""
    for case, report in reports:
        assert [finding.name for finding in report.findings if finding.starts_here] == [case.where], case.name


def test_nine_diagnoses_of_ten_are_right_and_none_is_confidently_wrong(
    reports: list[tuple[Case, Report]],
) -> None:
    """Of the mistakes that have a kind; one that has none must be called unknown."""
    found = [(case, report.first_wrong.diagnosis.kind) for case, report in reports]
    assert not [(case.name, kind) for case, kind in found if kind not in (case.kind, "unknown")]
    with_a_kind = [(case, kind) for case, kind in found if case.kind != "unknown"]
    assert sum(case.kind == kind for case, kind in with_a_kind) >= 0.9 * len(with_a_kind)
    # Every kind that the check can name is planted, but for those that the tests of the check plant alone.
    assert {*KINDS, *PATTERNS} - {case.kind for case, _ in with_a_kind} <= {"stale value"}


@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case.name)
def test_no_right_derivation_is_refused(case: Case) -> None:
    """However awkward its point."""
    report = check_derivation(*case.network, case.derivation)
    assert report.agrees, str(report)


def test_every_diagnosis_has_its_section_in_the_documentation() -> None:
    """And nothing is explained that does not exist."""
    page = (Path(__file__).parent.parent / "docs/diagnoses.md").read_text()
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


def test_the_scoreboard_counts_what_the_tools_answer(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """On three cases of each: the table fits, the JSON is whole, an absent tool is said to be absent."""
    monkeypatch.setattr(scoreboard, "MISTAKES", MISTAKES[:3])
    monkeypatch.setattr(scoreboard, "RIGHT", RIGHT[:3])
    monkeypatch.setattr(scoreboard, "jax_check_grads", lambda case: None)
    assert scoreboard.main(["--no-speed"]) == 0
    table = capsys.readouterr().out
    assert max(map(len, table.splitlines())) <= 80
    assert "not installed" in table
    scoreboard.main(["--no-speed", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert (document["mistakes"], document["right"]) == (3, 3)
    assert document["tools"]["jax check_grads"] is None
    assert document["tools"]["this project"]["missed"] == []
