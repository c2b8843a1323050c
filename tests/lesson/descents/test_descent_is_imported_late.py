"""Importing the package costs no descent; the lesson's page has its names all the same."""

import subprocess
import sys

import pytest

from manual_backprop import lesson
from manual_backprop.lesson import descent

SCRIPT = "import sys, manual_backprop; print('manual_backprop.lesson.descent' in sys.modules)"


@pytest.mark.slow
def test_the_package_is_imported_without_it() -> None:
    """Its enumeration and its dataclass are a tenth of the time."""
    ended = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert ended.stdout == "False\n"


def test_the_lessons_page_has_its_names() -> None:
    """And no others."""
    assert (lesson.descend, lesson.History, lesson.Stopped) == (
        descent.descend,
        descent.History,
        descent.Stopped,
    )
    with pytest.raises(AttributeError, match=r"^module 'manual_backprop\.lesson' has no attribute 'desend'$"):
        lesson.desend  # noqa: B018 (the attribute is asked for)
