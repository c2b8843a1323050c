"""The report of a check, character by character, and the same for machines."""

import math

import pytest
import torch

from torch_reference import check_function
from torch_reference.comparison import Row, Verdict
from torch_reference.judging.report import Diagnosis, Finding, Report, breach
from torch_reference.judging.report_text import finding_text

DIAGNOSIS = Diagnosis(
    "wrong sign",
    "It is the right gradient with the opposite sign, as if an inner derivative of -1 were forgotten.",
    "Derive (observed - predicted) once more.",
)
FINDINGS = (
    Finding("output", "link", Row("output", Verdict.AGREES, 1.0, 1.0, 0.0, 1e-15, 0.0, elements=6)),
    Finding(
        "hidden",
        "link",
        Row("hidden", Verdict.DIFFERS, -0.5, 0.5, 1.0, 2.25e-15, 4e14, (2, 1), 3, 20),
        roundings=1.8e16,
        diagnosis=DIAGNOSIS,
        wrong="yours",
    ),
    Finding(
        "scale",
        "parameter",
        Row("scale", Verdict.NAN, math.nan, 0.5, math.nan, 1e-15, math.inf, (), 1, 1),
        roundings=math.nan,
    ),
    Finding(
        "hidden.weight",
        "parameter",
        Row("hidden.weight", Verdict.DIFFERS, 2.0, -2.0, 4.0, 1e-15, 4e15, (0, 0), 12, 12),
        inherited=True,
    ),
    breach("hidden.bias", "parameter", Verdict.ALIASED, "it shares memory with the input hidden.bias"),
)
TEXT = """\
MISMATCH: 3 of 5 gradients differ, 1 against the rules (float64)
elsewhere
first wrong link, from the loss backwards: hidden

hidden: differs, 3 of 20 elements
    worst at hidden[2, 1]
      manual    -0.5
      reference 0.5
      1.8e+16 roundings apart; rounding explains 2.2e-15
    wrong sign: It is the right gradient with the opposite sign, as if an inner
    derivative of -1 were forgotten.
    To mend it: Derive (observed - predicted) once more.
    wrong is: yours

scale: nan, 1 of 1 elements
    worst at scale
      manual    nan
      reference 0.5

hidden.weight: differs, but is right given its upstream gradient

hidden.bias: shares memory
    it shares memory with the input hidden.bias

right: output"""


def test_the_text_is_what_people_read() -> None:
    """Heading, circumstances, the first wrong link, each finding, and what is right."""
    assert str(Report(FINDINGS, "float64", "elsewhere")) == TEXT


def test_an_agreement_is_one_line() -> None:
    """With the number of gradients and of elements."""
    right = FINDINGS[0]
    assert (
        str(Report((right,), "float32")) == "AGREEMENT: 1 gradient, 6 elements, all within rounding (float32)"
    )
    assert str(Report((right, right), "float32")).startswith("AGREEMENT: 2 gradients, 12 elements, ")


def test_a_remark_on_an_agreement_is_told_with_it() -> None:
    """Below the heading, or below what is right where something else is wrong."""
    row = Row("w", Verdict.AGREES, 1.0, 1.0, 0.0, 2.0, 0.0, elements=3, explanation="agrees by chance")
    doubtful = Finding("w", "parameter", row)
    assert str(Report((doubtful,), "bfloat16")).splitlines() == [
        "AGREEMENT: 1 gradient, 3 elements, all within rounding (bfloat16)",
        "w: agrees by chance",
    ]
    assert str(Report((FINDINGS[4], doubtful), "bfloat16")).splitlines()[-2:] == [
        "right: w",
        "w: agrees by chance",
    ]


def test_machines_get_everything() -> None:
    """NaN and infinity, which JSON does not know, by their names."""
    found = Report(FINDINGS, "float64", "elsewhere").to_dict()
    findings = found.pop("findings")
    assert found == {
        "agree": False,
        "dtype": "float64",
        "note": "elsewhere",
        "first_wrong": "hidden",
        "first_part": None,
        "converted": [],
        "ways": {},
        "ways_on": "",
        "smallest": {},
        "warnings": [],
        "remarks": [],
    }
    assert findings[1] == {
        "name": "hidden",
        "kind": "link",
        "agrees": False,
        "inherited": False,
        "manual": -0.5,
        "reference": 0.5,
        "difference": 1.0,
        "bound": 2.25e-15,
        "ratio": 4e14,
        "verdict": "differs",
        "index": [2, 1],
        "wrong_elements": 3,
        "elements": 20,
        "explanation": "",
        "part": "",
        "bluntness": None,
        "roundings": 1.8e16,
        "diagnosis": {"kind": "wrong sign", "sentence": DIAGNOSIS.sentence, "mend": DIAGNOSIS.mend},
        "wrong": "yours",
        "witness": "",
    }
    assert [findings[2][key] for key in ("manual", "ratio", "roundings")] == ["nan", "inf", "nan"]
    assert [(f["agrees"], f["inherited"], f["diagnosis"]) for f in (findings[0], findings[3])] == [
        (True, False, None),
        (False, True, None),
    ]


def test_a_report_without_a_first_wrong_link_has_none() -> None:
    """Neither where all agree nor where all that differs is inherited."""
    for findings in (FINDINGS[:1], FINDINGS[3:4]):
        assert Report(findings, "float64").to_dict()["first_wrong"] is None
        assert "first wrong link" not in str(Report(findings, "float64"))


@pytest.mark.parametrize(
    "explanation", ["", "cannot be judged, because its upstream gradient hidden is zero"]
)
def test_what_is_inherited_is_told_in_one_sentence(explanation: str) -> None:
    """Its own reason, if it has one."""
    row = Row("w", Verdict.DIFFERS, 1.0, 2.0, 1.0, 1e-15, 1e15, (0,), 1, 1, explanation)
    expected = explanation or "differs, but is right given its upstream gradient"
    assert finding_text(Finding("w", "parameter", row, inherited=True)) == [f"w: {expected}"]


def test_long_lines_are_wrapped_and_names_are_never_broken() -> None:
    """At 80 columns, with an indent of their own; neither a long name nor one with a hyphen is cut."""
    long = "encoder." + "layers-in-a-row." * 5 + "weight"
    finding = breach(long, "parameter", Verdict.WRONG_SHAPE, f"there is no {long} " + "and so on " * 8)
    right = [
        Finding(f"decoder.{k}.bias", "parameter", Row(f"decoder.{k}.bias", Verdict.AGREES)) for k in range(8)
    ]
    assert str(Report((finding, *right), "float64")).splitlines() == [
        "MISMATCH: 1 of 9 gradients differ (float64)",
        "first wrong link, from the loss backwards:",
        f"    {long}",
        "",
        f"{long}:",
        "    wrong shape",
        "    there is no",
        f"    {long}",
        "    and so on and so on and so on and so on and so on and so on and so on and so",
        "    on",
        "",
        "right: decoder.0.bias, decoder.1.bias, decoder.2.bias, decoder.3.bias,",
        "       decoder.4.bias, decoder.5.bias, decoder.6.bias, decoder.7.bias",
    ]
    assert (finding.kind, finding.row.name) == ("parameter", long)


def test_in_a_notebook_a_mismatch_is_unfolded() -> None:
    """The table names what differs; why it does is to be seen at once, and an agreement's remarks are not."""
    wrong = (lambda x: (x * x, x)), lambda x, g: 3 * x * g
    x = torch.linspace(0.5, 2, 4)
    told = check_function(wrong, torch.square, x, ways=[], draws=0)._repr_html_()
    assert "<details open><summary>" in told
    assert "<td>inputs[0]</td><td>differs</td>" in told
    assert "color" not in told
    assert "<img" not in told  # of a single link
    assert "<details><summary>" in check_function(torch.sin, torch.sin, x, ways=[])._repr_html_()
