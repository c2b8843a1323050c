"""What a report says of several mistakes: each is told once, and counted as what it is."""

import pytest

from torch_reference.comparison import Row, Verdict
from torch_reference.judging.report import Diagnosis, Finding, Report, breach

DIAGNOSIS = Diagnosis("wrong sign", "It has the opposite sign.", "Derive (observed - predicted) once more.")
RIGHT = Finding("output", "link", Row("output", Verdict.AGREES, 1.0, 1.0, 0.0, 1e-15, 0.0, elements=6))


def shared(name: str, verdict: Verdict = Verdict.DIFFERS) -> Finding:
    """A gradient with a mistake that others have, too."""
    row = Row(name, verdict, -0.5, 0.5, 1.0, 1e-15, 1e15, (), 1, 1)
    return Finding(name, "parameter", row, diagnosis=DIAGNOSIS, wrong="yours")


def test_a_mistake_that_several_gradients_share_is_told_once() -> None:
    """The numbers of each, the paragraph of the first."""
    text = str(Report((shared("b3"), shared("w4"), shared("w3")), "float64"))
    assert text.count("Derive (observed - predicted) once more.") == 1
    assert text.count("wrong sign, as in b3") == 2
    assert text.count("manual    -0.5") == 3


@pytest.mark.parametrize(
    ("findings", "counts"),
    [
        ([shared("w3"), shared("w4")], "2 of 2 gradients differ"),
        (
            [breach(name, "parameter", Verdict.MISSING, "") for name in ("w3", "w4")]
            + [breach(name, "unknown", Verdict.EXTRA, "") for name in ("d_w3", "d_w4")],
            "2 of 2 gradients missing, 2 of an unknown name",
        ),
        ([breach("inputs", "input", Verdict.MUTATED, ""), RIGHT], "1 against the rules"),
        (
            [breach("w3", "parameter", Verdict.UNSTABLE, ""), shared("w4")],
            "1 of 2 gradients differ, 1 against the rules",
        ),
    ],
)
def test_the_counts_are_true(findings: list[Finding], counts: str) -> None:
    """A name that is nobody's is no gradient, and a changed input is none either."""
    assert str(Report(tuple(findings), "float64")).splitlines()[0] == f"MISMATCH: {counts} (float64)"


def test_a_name_is_no_wrong_link() -> None:
    """Nor is a gradient that is missing, nor a reference that cannot be had; what has numbers is told."""
    missing = breach("b3", "parameter", Verdict.MISSING, "")
    unknown = breach("d_b3", "unknown", Verdict.EXTRA, "")
    nothing = breach("reference", "reference", Verdict.NOTHING, "the loss depends on no parameter")
    assert "first wrong link" not in str(Report((missing, unknown), "float64"))
    assert "first wrong link" not in str(Report((nothing,), "float64"))
    both = str(Report((missing, shared("w4"), unknown), "float64"))
    assert "\nfirst wrong link, from the loss backwards: w4\n" in both


def test_a_broken_rule_is_no_link() -> None:
    """It is named before all else, but not as a link of the chain."""
    lines = str(Report((breach("targets", "input", Verdict.MUTATED, ""), RIGHT), "float64")).splitlines()
    assert lines[1] == "before all else: targets, input mutated"


def test_hundreds_of_names_are_not_all_told() -> None:
    """A network's parameters filled the screen."""
    agrees = (Row(f"w{place}", Verdict.AGREES, 1.0, 1.0, 0.0, 1e-6, elements=1) for place in range(50))
    wrong = Row("b", Verdict.DIFFERS, 1.0, 2.0, 1.0, 1e-6, elements=1, wrong_elements=1)
    findings = tuple(Finding(row.name, "input", row) for row in (wrong, *agrees))
    text = str(Report(findings, "float32"))
    assert "w19 and 30 more" in " ".join(text.split())


def test_of_what_follows_from_a_submodule_that_is_named_little_is_told() -> None:
    """A model with another activation in one layer filled pages, the layer being on its second line."""
    findings = tuple(shared(f"w{place}") for place in range(50))
    named = Report(findings, "float32", first_part="first submodule that differs: layers.2.act")
    text = str(named)
    assert text.splitlines()[1] == "first submodule that differs: layers.2.act"
    assert text.count("manual    -0.5") == 2
    assert "w8 and 41 more" in " ".join(text.split())
