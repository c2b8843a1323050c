"""Libraries that are not there, or are damaged: of an optional extra, or of the whole installation."""

import importlib
import sys
import traceback
from pathlib import Path
from types import FrameType, ModuleType

from reading.plain_lines import one_line

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("manual_backprop", "torch_reference")

ZEROS = "source code string cannot contain null bytes"
"""Said of a file of zeros, whose name is not told: a SyntaxError, before Python 3.11.4 a ValueError."""


def require(module: str, extra: str) -> ModuleType:
    """Import a module, or say in one line which extra installs it."""
    library = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] != library:
            raise  # the library is there and lacks something of its own
        raise ValueError(f"this needs {library}: pip install -e '.[{extra}]'") from None


def broken_installation(error: BaseException) -> str:
    """What is missing or damaged, and what to do, in one line; empty where the fault is ours."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        library = error.name.partition(".")[0]
        is_ours = library in PACKAGES or (ROOT / "scripts" / library).exists()
        if not is_ours or error.name in PACKAGES:
            return f"{error.name} is not installed for {sys.executable}{_advice()}"
    files = [file for frame, _ in traceback.walk_tb(error.__traceback__) if (file := _file_of(frame))]
    if isinstance(error, SyntaxError) or str(error) == ZEROS:
        files.append(getattr(error, "filename", None) or "")
    if not files or _is_ours(files[-1]):
        return ""
    return f"a library of {sys.executable} is damaged ({what(error)}){_advice()}"


def what(error: BaseException) -> str:
    """The error's class and its message, on one line that is not long."""
    return f"{type(error).__name__}: {one_line(str(error))[:200]}"


def _file_of(frame: FrameType) -> str:
    """The file whose code a frame runs, or which it reads for an import; empty for none."""
    name = frame.f_code.co_filename
    if not name.startswith("<frozen importlib"):
        return name
    read = frame.f_locals.get("path")
    return read if isinstance(read, str) else ""


def _is_ours(file: str) -> bool:
    path = Path(file)
    return path.is_relative_to(ROOT) and "site-packages" not in path.parts


def _advice() -> str:
    # docs/set_up.md: scripts/run installs what is missing, and makes a folder anew that is damaged.
    return ": ./scripts/run python … takes the project's own environment; where that is damaged, remove .venv"
