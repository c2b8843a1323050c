"""Whose code it is that runs: the user's, or a library's."""

import sysconfig
from pathlib import Path
from types import CodeType

import torch

_OWN = str(Path(__file__).parents[2])
_LIBRARIES = tuple(
    {_OWN, str(Path(torch.__file__).parent), *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib"))}
)
_INSTALLED = ("site-packages", "dist-packages")


def is_the_users(code: CodeType) -> bool:
    """Whether code is neither torch's, nor Python's, nor an installed package's, nor ours."""
    file = code.co_filename
    if file.startswith("<frozen") or (code.co_name.startswith("<") and code.co_name != "<lambda>"):
        return False
    return not file.startswith(_LIBRARIES) and not any(part in file for part in _INSTALLED)
