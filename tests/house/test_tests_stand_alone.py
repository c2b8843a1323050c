"""A test module can be moved, split or run without the others: what two of them need is in tests/helpers."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FILES = sorted(TESTS.rglob("*.py"))


def imported_tests(source: str) -> list[str]:
    """The test modules that a file imports."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return [name for name in found if any(part.startswith("test_") for part in name.split("."))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TESTS)))
def test_no_test_imports_another_test(path: Path) -> None:
    """Move what both need to tests/helpers, under a name that says what it is."""
    assert imported_tests(path.read_text()) == []


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
    assert imported_tests(source)
