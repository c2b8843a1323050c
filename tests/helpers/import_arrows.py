"""Who imports whom: every import of a tree of source files, read from the syntax trees."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Arrow(NamedTuple):
    """An import: the file and the line that have it, and the module that it names."""

    file: Path
    line: int
    module: str

    def __str__(self) -> str:
        return f"{self.file.as_posix()}:{self.line} imports {self.module}"


def modules(folder: Path, prefix: str = "") -> dict[str, Path]:
    """Dotted name -> file, of every module below a folder; a folder's __init__ has the folder's name."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = [part for part in path.relative_to(folder).with_suffix("").parts if part != "__init__"]
        found[".".join([*([prefix] if prefix else []), *parts])] = path
    return found


@cache
def tree_of(path: Path) -> ast.Module:
    """A file's syntax tree, which several tests read."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imported_names(tree: ast.AST, module: str = "") -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import, of functions and of `if TYPE_CHECKING` too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def arrows(known: Mapping[str, Path], root: Path = ROOT) -> dict[str, list[Arrow]]:
    """Module -> its imports of other known modules; a name that a module defines counts as the module."""
    found: dict[str, list[Arrow]] = {}
    for module, path in known.items():
        own = []
        # The dot that a folder's __init__ lacks in its name, for `from . import`.
        place = f"{module}.__init__" if path.name == "__init__.py" else module
        for line, name in imported_names(tree_of(path), place):
            target = next((end for end in (name, name.rpartition(".")[0]) if end in known), None)
            if target not in (None, module):
                own.append(Arrow(path.relative_to(root), line, str(target)))
        found[module] = own
    return found


def circle(found: Mapping[str, Iterable[Arrow]]) -> list[Arrow]:
    """The imports of one circle, in their order; none where there is no circle."""
    done: set[str] = set()

    def walk(module: str, path: list[Arrow], on_path: list[str]) -> list[Arrow]:
        if module in on_path:
            return path[on_path.index(module) :]
        if module in done:
            return []
        for arrow in found.get(module, ()):
            if closed := walk(arrow.module, [*path, arrow], [*on_path, module]):
                return closed
        done.add(module)
        return []

    return next((closed for module in found if (closed := walk(module, [], []))), [])
