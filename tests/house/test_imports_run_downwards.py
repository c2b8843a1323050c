"""The floors of the house: a room imports from the rooms below it only, and nothing goes in a circle."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from import_arrows import ROOT, Arrow, arrows, circle, modules

DOOR = "the door"
"""A package's own __init__ and __main__, the programs of scripts/, the tests: above every room."""

FLOORS: dict[str, list[tuple[str, ...]]] = {
    "manual_backprop": [
        ("checks",),
        ("lesson",),
        ("layers",),
        ("losses",),
        ("optimisers",),
        ("networks",),
        ("fast",),
        ("training",),
        (DOOR,),
    ],
    "torch_reference": [
        ("comparison",),
        ("tolerance",),
        ("lesson", "layers", "optimisers"),
        ("losses",),
        ("networks",),
        ("judging",),
        ("diagnosis",),
        ("chain",),
        ("repair",),
        ("check",),
        ("counterexample",),
        ("lockstep",),
        (DOOR,),
    ],
    "scripts": [
        ("reading",),
        ("support",),
        ("isolation", "keeping", "ranks"),
        ("catalogue", "benchmarks", "comparing", "training", "learning_rates", "scaling"),
        ("proof", "grading"),
        (DOOR,),  # the programs
    ],
    "tests": [("helpers", "class_of_twelve"), (DOOR,)],
}
"""From below to above. Rooms of one floor do not import each other. A new room finds its floor here."""


def known_modules(tree: str, root: Path = ROOT) -> dict[str, Path]:
    """The modules by their names; scripts and the folders of helpers are on sys.path themselves."""
    found = modules(root / tree, tree if tree in ("manual_backprop", "torch_reference") else "")
    return {
        name.split(".")[-1] if name.startswith("helpers.") else name: path for name, path in found.items()
    }


def room(path: Path, tree: str) -> str:
    """The folder of a file, or the file itself where it stands beside the folders."""
    first = path.relative_to(tree).parts[0]
    if tree == "tests":
        return first if first == "helpers" else DOOR
    if first.endswith(".py"):
        return DOOR if tree == "scripts" or first.startswith("_") else first.removesuffix(".py")
    return first


def upward(
    tree: str, known: Mapping[str, Path], found: Mapping[str, Sequence[Arrow]], root: Path
) -> list[str]:
    """What is wrong with each arrow that does not run down, and where the thing belongs."""
    floors = {name: floor for floor, names in enumerate(FLOORS[tree]) for name in names}
    wrong = []
    for arrow in (arrow for own in found.values() for arrow in own):
        here, there = room(arrow.file, tree), room(known[arrow.module].relative_to(root), tree)
        wrong += [
            f"{tree}/{name} has no floor: give it one in FLOORS" for name in {here, there} - set(floors)
        ]
        if here == there or not {here, there} <= set(floors) or floors[there] < floors[here]:
            continue
        below = [name for name, floor in floors.items() if floor < min(floors[here], floors[there])]
        lower = f" or below it ({', '.join(below)})" if below else ""
        wrong.append(
            f"{arrow}: {there} is not below {here}. What {here} needs of it belongs in {here}{lower}; "
            f"what needs {there} belongs above {there}."
        )
    return sorted(set(wrong))


@pytest.mark.parametrize("tree", FLOORS)
def test_imports_run_downwards_only(tree: str) -> None:
    """The failure says which import of which file is wrong, and where the thing belongs."""
    known = known_modules(tree)
    if wrong := upward(tree, known, arrows(known), ROOT):
        pytest.fail("\n".join(wrong), pytrace=False)


@pytest.mark.parametrize("tree", FLOORS)
def test_no_module_imports_itself_by_way_of_others(tree: str) -> None:
    """A circle inside one room is a circle: what both need belongs in a module below both."""
    assert [str(arrow) for arrow in circle(arrows(known_modules(tree)))] == []


@pytest.mark.parametrize("package", ["manual_backprop", "torch_reference"])
def test_inside_a_package_nobody_comes_in_by_the_door(package: str) -> None:
    """`import torch_reference` inside torch_reference names everything, and so needs everything."""
    found = arrows(known_modules(package))
    assert [str(arrow) for own in found.values() for arrow in own if arrow.module == package] == []


def test_every_room_has_its_floor() -> None:
    """Also a room that imports nothing and that nobody imports."""
    for tree, floors in FLOORS.items():
        named = {name for names in floors for name in names}
        rooms = {room(path.relative_to(ROOT), tree) for path in known_modules(tree).values()}
        assert rooms <= named, f"give {rooms - named} of {tree} a floor in FLOORS"


def test_the_map_shows_the_floors() -> None:
    """CONTRIBUTING.md has the rooms of both packages in the order that is tested here, each once."""
    text = " ".join((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split())
    for package in ("manual_backprop", "torch_reference"):
        assert " < ".join(", ".join(rooms) for rooms in FLOORS[package][:-1]) in text


HOUSE = {
    "manual_backprop/__init__.py": "",
    "manual_backprop/checks.py": "",
    "manual_backprop/lesson/__init__.py": "",
    "manual_backprop/lesson/network.py": "",
    "manual_backprop/layers/__init__.py": "from manual_backprop.layers.softmax import SOFTMAX",
    "manual_backprop/layers/softmax.py": "from manual_backprop.lesson.network import x\nSOFTMAX = x",
}


@pytest.mark.parametrize(
    ("file", "line", "found"),
    [
        (
            "lesson/network.py",
            "from manual_backprop.layers.softmax import SOFTMAX",
            "lesson/network.py:1 imports",
        ),
        (
            "lesson/network.py",
            "def f():\n    import manual_backprop.layers.softmax",
            "lesson/network.py:2 imports",
        ),
        ("lesson/network.py", "from ..layers import softmax", "lesson/network.py:1 imports"),
        ("lesson/network.py", "from manual_backprop import layers", "lesson/network.py:1 imports"),
        ("checks.py", "from manual_backprop.lesson.network import x", "checks.py:1 imports"),
        ("lesson/network.py", "from manual_backprop import x", "the door is not below lesson"),
        ("attention/heads.py", "import manual_backprop.checks", "manual_backprop/attention has no floor"),
    ],
)
def test_an_arrow_that_runs_up_is_named(tmp_path: Path, file: str, line: str, found: str) -> None:
    """Test the test: the file, the line and the room, however the import is written."""
    for name, source in (HOUSE | {f"manual_backprop/{file}": line}).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source)
    known = known_modules("manual_backprop", tmp_path)
    [wrong] = upward("manual_backprop", known, arrows(known, tmp_path), tmp_path)
    assert found in wrong


def test_a_circle_is_named_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    """Test the test: a -> b -> c -> a inside one room, one of them inside a function."""
    for name, source in {
        "a": "import b",
        "b": "from c import x",
        "c": "def f():\n    import a",
        "d": "import a",
    }.items():
        (tmp_path / f"{name}.py").write_text(source)
    found = circle(arrows(modules(tmp_path), tmp_path))
    assert [str(arrow) for arrow in found] == ["a.py:1 imports b", "b.py:1 imports c", "c.py:2 imports a"]
