"""Whatever cites a section of the lesson cites one that is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CITED = re.compile(r"docs/lesson\.md,\s+sections?\s+([\d.]+\d|\d)(?:\s+and\s+([\d.]+\d|\d))?")


def test_every_section_that_is_cited_is_there() -> None:
    """By its number, in docstrings and in messages."""
    page = (ROOT / "docs/lesson.md").read_text()
    sections = set(re.findall(r"^#+ ([\d.]*\d)\.? ", page, re.MULTILINE))
    assert {"2.1", "2.2", "3.2", "5"} <= sections
    cited = {
        (path.name, section)
        for tree in ("manual_backprop", "torch_reference", "scripts")
        for path in (ROOT / tree).rglob("*.py")
        for found in CITED.findall(path.read_text())
        for section in found
        if section
    }
    assert len(cited) > 10
    assert {(name, section) for name, section in cited if section not in sections} == set()


def test_nothing_cites_a_lesson_that_is_not_there() -> None:
    """The page is named, and the page names the video."""
    for tree in ("manual_backprop", "torch_reference", "scripts", "docs"):
        for path in (ROOT / tree).rglob("*"):
            if path.suffix in (".py", ".md"):
                assert not re.search(r"the lesson, section|figures\.md", path.read_text()), path
    assert "StatQuest" in (ROOT / "docs/lesson.md").read_text()
