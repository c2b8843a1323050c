"""What a name on the command line stands for: torch_reference/check/shell/names.py, without its package.

A pupil's process must not hold the package, which has the answers; that file needs nothing but Python.
"""

from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType


def _alone() -> ModuleType:
    package = find_spec("torch_reference")  # which does not import it
    folders = package.submodule_search_locations if package else None
    if not folders:
        raise ImportError("torch_reference is not installed, or not on PYTHONPATH")
    file = Path(folders[0]) / "check" / "shell" / "names.py"
    spec = spec_from_file_location("names_on_the_command_line", file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_names = _alone()
Named, NotThereError = _names.Named, _names.NotThereError
check_signature, load, parse = _names.check_signature, _names.load, _names.parse

__all__ = ["Named", "NotThereError", "check_signature", "load", "parse"]
