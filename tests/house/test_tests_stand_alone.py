"""A test module can be moved, split or run without the others: what two of them need is in tests/helpers."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from import_arrows import Import, imports_in, imports_of

TESTS = Path(__file__).parents[1]
FILES = sorted(TESTS.rglob("*.py"))


def imported_tests(imports: Iterable[Import]) -> list[str]:
    """The test modules among what a file imports."""
    names = [each.dotted() for each in imports]
    return [name for name in names if any(part.startswith("test_") for part in name.split("."))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TESTS)))
def test_no_test_imports_another_test(path: Path) -> None:
    """Move what both need to tests/helpers, under a name that says what it is."""
    assert imported_tests(imports_of(path)) == []


@pytest.mark.parametrize(
    "source",
    [
        "from tests.networks.test_perceptron import compared",
        "from tests.layers import test_layers",
        "import tests.layers.test_layers",
        "def late():\n    import test_layers",
    ],
)
def test_every_way_of_importing_one_is_seen(source: str) -> None:
    """Test the test."""
    assert imported_tests(imports_in(source))
