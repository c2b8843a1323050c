"""Every promise of docs/guarantees.md names a test that is there."""

import re

from import_arrows import ROOT

PAGE = (ROOT / "docs/guarantees.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(test_\w+)`, `([\w/]+\.py)`", PAGE)


def test_every_promise_names_a_test_that_is_there() -> None:
    """The function stands in the file that is named beside it."""
    assert len(NAMED) > 20
    for name, file in NAMED:
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), (name, file)


def test_no_promise_is_without_a_test() -> None:
    """Each row of a table of promises has a test's name, or that of the row above."""
    rows = [line.split(" | ") for line in PAGE.splitlines() if line.startswith("| ") and line.endswith(" |")]
    promises = [row for row in rows if row[0].endswith(".")]
    assert len(promises) > 15
    for row in promises:
        assert "`test_" in row[1] or row[1] == "the same |", row[0]
