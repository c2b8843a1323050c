"""The rules of the house: short files, folders that can be taken in, and names that mean one thing."""

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

import pytest

from import_arrows import ROOT

PACKAGES = ("manual_backprop", "torch_reference")
LONGEST = 200
"""Lines of a source or test file."""
MOST_NAMES = 16
"""Names that a folder shows; its own __init__ is its page of contents and does not count."""
WIDER = {
    "docs": "the pages, which docs/README.md lists",
    "scripts": "the programs beside the rooms of what they share",
    "tests": "a room for each room of both packages and of the scripts",
}


def files(*endings: str) -> list[Path]:
    """The files of the four trees with these endings."""
    trees = (*PACKAGES, "scripts", "tests")
    found = [path for tree in trees for ending in endings for path in (ROOT / tree).rglob(f"*{ending}")]
    assert found
    return found


def rooms(package: str) -> list[ModuleType]:
    """A package and all packages inside it."""
    top = importlib.import_module(package)
    inside = pkgutil.walk_packages(top.__path__, f"{package}.")
    return [top, *(importlib.import_module(found.name) for found in inside if found.ispkg)]


def test_no_file_is_longer_than_two_hundred_lines() -> None:
    """One idea a file: split a longer one along its seams."""
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files(".py", ".c", ".h")}
    longer = {path.relative_to(ROOT).as_posix(): n for path, n in lines.items() if n > LONGEST}
    assert longer == {}


def test_no_folder_shows_more_than_can_be_taken_in() -> None:
    """A folder with more names wants rooms of its own."""
    folders = {path.parent for path in files(".py", ".c", ".h")} | {ROOT / "docs"}
    shown = {
        folder.relative_to(ROOT).as_posix(): sorted(
            path.name for path in folder.iterdir() if not path.name.startswith(("__", "."))
        )
        for folder in folders
    }
    full = {
        folder: names for folder, names in shown.items() if len(names) > MOST_NAMES and folder not in WIDER
    }
    assert full == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_is_a_page_of_contents(package: str) -> None:
    """What the folder is for, in words, and its public names, each of which is there."""
    for room in rooms(package):
        assert room.__doc__, f"{room.__name__} does not say what it is for"
        names = getattr(room, "__all__", None)
        assert names, f"{room.__name__} does not list its public names in __all__"
        assert not [name for name in names if not hasattr(room, name)]


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_is_a_module_and_a_public_name_at_once(package: str) -> None:
    """`import torch_reference.compare` once gave the function of that name."""
    for room in rooms(package):
        modules = {found.name for found in pkgutil.iter_modules(room.__path__)}
        own = {name for name, value in vars(room).items() if not isinstance(value, ModuleType)}
        assert not modules & {*own, *room.__all__}, f"{room.__name__}: rename the module"


@pytest.mark.parametrize("package", PACKAGES)
def test_the_door_shows_what_it_lists_and_no_more(package: str) -> None:
    """Completion in a terminal finds the public names, not every module that has been imported."""
    door = importlib.import_module(package)
    assert dir(door) == sorted([*door.__all__, "__version__"])


def test_the_door_of_the_reference_shows_the_check() -> None:
    """The check, the assertions, the comparison and the report need no second import."""
    door = importlib.import_module("torch_reference")
    wanted = ["check_derivation", "check_function", "compare", "Row", "Verdict"]
    wanted += ["Report", "Finding", "Diagnosis", "assert_gradients_match", "assert_function_matches"]
    wanted += ["assert_gradients_always_match", "assert_always_matches"]
    assert set(wanted) <= set(dir(door))
