"""What a name on the command line stands for: homework.py:by_hand, homework:by_hand, module:Class.method."""

import inspect
import sys
from difflib import get_close_matches
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple


class Named(NamedTuple):
    """A module or a file, and the attribute in it, which may have dots."""

    module: str
    attribute: str

    @property
    def is_file(self) -> bool:
        """Whether the module is told as a file or a folder, not as an importable name."""
        return self.module.endswith(".py") or "/" in self.module or "\\" in self.module


def parse(option: str, text: str) -> Named:
    """The two halves of a name; ValueError in one line unless it has both."""
    module, colon, attribute = text.rpartition(":")
    if not (module and colon and attribute and all(part.isidentifier() for part in attribute.split("."))):
        raise ValueError(
            f"{option}: expected homework.py:by_hand or package.module:attribute, found {text!r}"
        )
    return Named(module, attribute)


class NotThereError(ValueError):
    """The name stands for nothing, or for something else than a function: a slip in the command line."""


def load(named: Named) -> Any:
    """Import the module, or run the file, and take the attribute.

    Errors: NotThereError where there is none of that name; whatever the author's code raises, as it is
    """
    module = _from_file(Path(named.module)) if named.is_file else _from_path(named.module)
    found: Any = module
    for part in named.attribute.split("."):
        holder = found
        if not hasattr(holder, part):
            near = get_close_matches(part, [name for name in dir(holder) if not name.startswith("_")], 1)
            did_you_mean = f": did you mean {near[0]!r}?" if near else ""
            raise NotThereError(f"module {named.module} has no attribute {named.attribute!r}{did_you_mean}")
        found = getattr(holder, part)
        is_method = inspect.isclass(holder) and inspect.isfunction(inspect.getattr_static(holder, part))
        if is_method and not _is_without_self(found):
            found = getattr(holder(), part)  # a plain method needs an object of its class
    return found


def _is_without_self(function: Any) -> bool:
    """Whether it was written in the class as it would be outside: (parameters, inputs, targets)."""
    names = list(inspect.signature(function).parameters)
    return len(names) == 3 and names[0] != "self"


def check_signature(named: Named, derivation: Any) -> None:
    """Raise NotThereError unless it can be called with (parameters, inputs, targets)."""
    name = f"{named.module}:{named.attribute}"
    if not callable(derivation):
        raise NotThereError(f"expected {name} to be a function, found {type(derivation).__name__}")
    try:
        inspect.signature(derivation).bind({}, None, None)
    except TypeError as error:
        raise NotThereError(f"expected {name} to take (parameters, inputs, targets): {error}") from None
    except ValueError:  # a function of C's has no signature that can be read
        return


def _from_path(name: str) -> ModuleType:
    if name.lower().endswith(".ipynb"):
        raise NotThereError(f"{name} is a notebook: expected a .py file (jupyter nbconvert --to script)")
    if "" not in sys.path:
        sys.path.insert(0, "")  # a module in the folder from which the script is run
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name and f"{name}.".startswith(f"{error.name}."):
            raise NotThereError(f"cannot import {name}: ModuleNotFoundError: {error}") from None
        raise


def _from_file(path: Path) -> ModuleType:
    """The module of a file, or of a package's folder, with its neighbours importable."""
    path = path.resolve()
    file = path / "__init__.py" if path.is_dir() else path
    if not file.is_file():
        raise NotThereError(f"{file}: no such file")
    name = path.name if path.is_dir() else path.stem
    sys.path.insert(0, str(path.parent))
    spec = spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise NotThereError(f"{file}: expected a Python file")
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
