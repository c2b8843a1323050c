"""Who imports whom: every import of a tree of source files, read from the syntax trees."""

import ast
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
"""What statements have within them."""


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


class Import(NamedTuple):
    """One name of an import: the dots before the module, the module, and the name; "" where it is all."""

    line: int
    dots: int
    module: str
    name: str

    def dotted(self, here: str = "") -> str:
        """What is imported, with dots, where a module has the import."""
        above = here.split(".")[: -self.dots] if self.dots else []
        return ".".join(filter(None, [*above, self.module, self.name]))


def imports_in(source: str) -> tuple[Import, ...]:
    """Every import, of functions and of `if TYPE_CHECKING` too."""
    found, ahead = [], list[ast.AST]([ast.parse(source)])
    for node in ahead:
        for within in BLOCKS:  # to walk through all expressions, too, takes as long as to read the file
            ahead += getattr(node, within, ())
        if isinstance(node, ast.Import):
            found += [Import(node.lineno, 0, alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [Import(node.lineno, node.level, node.module or "", each.name) for each in node.names]
    return tuple(found)


@cache
def imports_of(path: Path) -> tuple[Import, ...]:
    """Those of a file, which several tests read: to keep its tree would cost each of them more."""
    return imports_in(path.read_text(encoding="utf-8"))


def arrows(known: Mapping[str, Path], root: Path = ROOT) -> dict[str, list[Arrow]]:
    """Module -> its imports of other known modules; a name that a module defines counts as the module."""
    found: dict[str, list[Arrow]] = {}
    for module, path in known.items():
        own = []
        # The dot that a folder's __init__ lacks in its name, for `from . import`.
        place = f"{module}.__init__" if path.name == "__init__.py" else module
        for each in imports_of(path):
            name = each.dotted(place)
            target = next((end for end in (name, name.rpartition(".")[0]) if end in known), None)
            if target not in (None, module):
                own.append(Arrow(path.relative_to(root), each.line, str(target)))
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
