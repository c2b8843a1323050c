"""Files as users have them, written where a test may write, and imported."""

import importlib.util
from pathlib import Path
from types import ModuleType

import torch


def imported(folder: Path, name: str, source: str) -> ModuleType:
    """A module of that source, in a file of its own."""
    path = folder / f"{name}.py"
    path.write_text(source)
    # Written twice in a second, with as many letters, it would be the one before by its time and size.
    Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    vars(module)["torch"] = torch
    spec.loader.exec_module(module)
    return module
