"""What names a file of the project names one that is there: pages, docstrings, comments, configuration."""

import ast
import re
import tomllib

import pytest

from import_arrows import ROOT

TREES = ("docs", "tests", "scripts", "manual_backprop", "torch_reference")
NAME = re.compile(rf"\b(?:{'|'.join(TREES)})/[\w/]+\.(?:py|md|c|h|txt)\b")
TO_COME = {"add_a_parameter.md", "add_a_hidden_node.md", "extending.md", "CONTRIBUTING.md"}
"""Pages that also name the files that their reader makes."""


@pytest.mark.parametrize("tree", [*TREES, "."])
def test_every_file_that_is_named_is_there(tree: str) -> None:
    """A reader who follows the name finds the file; nothing cites what is not in the repository."""
    pages = [
        path
        for ending in ("*.py", "*.md", "*.c", "*.h", "*.toml")
        for path in ((ROOT / tree).glob(ending) if tree == "." else (ROOT / tree).rglob(ending))
    ]
    assert pages
    absent = {
        f"{page.relative_to(ROOT)}: {name}"
        for page in pages
        if page.name not in TO_COME
        for name in NAME.findall(page.read_text(encoding="utf-8"))
        if not (ROOT / name).exists()
    }
    assert absent == set()


def test_the_configuration_follows_the_files() -> None:
    """What mutmut copies and runs, and what the tests' own check of the shapes covers."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    mutmut = tools["mutmut"]
    paths = [*mutmut["source_paths"], *mutmut["also_copy"], *tools["coverage"]["run"]["source"]]
    paths += [*mutmut["pytest_add_cli_args_test_selection"], *tools["pytest"]["ini_options"]["testpaths"]]
    paths += tools["pytest"]["ini_options"]["pythonpath"]
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_modules_whose_shapes_are_checked_exist() -> None:
    """tests/conftest.py names them, and an import hook does not complain of a name that nobody imports."""
    source = (ROOT / "tests/conftest.py").read_text()
    [names] = re.findall(r"^WITH_SHAPES = (\(.*?\))$", source, re.MULTILINE | re.DOTALL)
    lesson = ROOT / "torch_reference/lesson"
    assert [name for name in ast.literal_eval(names) if not (lesson / f"{name}.py").exists()] == []
