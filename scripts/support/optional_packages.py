"""Modules that only an optional extra installs."""

import importlib
from types import ModuleType


def require(module: str, extra: str) -> ModuleType:
    """Import a module, or say in one line which extra installs it."""
    library = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] != library:
            raise  # the library is there and lacks something of its own
        raise ValueError(f"this needs {library}: pip install -e '.[{extra}]'") from None
