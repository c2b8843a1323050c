"""What a process has around it: variables of its environment, and the folder where it is."""

import os
from contextlib import suppress
from pathlib import Path

OF_TORCH = ("TORCH", "_TORCH", "TRITON", "KMP_", "OMP_")
"""How the variables begin that torch itself sets, as where a compiled function is kept."""


def environment() -> dict[str, str]:
    """The variables but for torch's own."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OF_TORCH)}


def put_environment(was: dict[str, str]) -> None:
    """Let them be those again."""
    for name in environment().keys() - was.keys():
        del os.environ[name]
    os.environ.update(was)


def folder() -> str:
    """Where the process is; nothing where that was removed."""
    with suppress(OSError):
        return str(Path.cwd())
    return ""


def put_folder(was: str) -> None:
    """Go back there."""
    with suppress(OSError):
        os.chdir(was)
