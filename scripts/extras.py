"""Modules that only an optional extra installs."""

import importlib
from types import ModuleType


def require(module: str, extra: str) -> ModuleType:
    """Import a module, or say in one line which extra installs it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ValueError(f"this needs {error.name}: pip install -e '.[{extra}]'") from None
