"""An exception, or the trace of a process that was stopped, as one line with its author's file and line."""

import errno
import re
import sysconfig
import traceback
from pathlib import Path

LONGEST = 200
LARGEST_FILE = 256 << 20
"""Of what it prints or writes, so that no endless print fills the disk."""
ENTRY = re.compile(r'^  File "(?P<file>[^"]+)", line (?P<line>\d+)', re.MULTILINE)
"""A frame in a trace of faulthandler's, where the most recent call comes first."""


OTHERS = [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
"""Where Python and the packages that are installed have their files."""

SCRIPTS = Path(__file__).resolve().parents[1]
OURS = [SCRIPTS, *(SCRIPTS.parent / package for package in ("manual_backprop", "torch_reference"))]


def of_exception(error: BaseException) -> str:
    """Such as: homework.py, line 12: ZeroDivisionError: division by zero."""
    if isinstance(error, SyntaxError) and error.filename:
        where = _place(error.filename, error.lineno or 0)
        return f"{where}{type(error).__name__}: {_one_line(error.msg)}"
    frames = [(frame.filename, frame.lineno or 0) for frame in traceback.extract_tb(error.__traceback__)]
    return f"{innermost(frames[::-1])}{_what(error)}"


def of_import(error: BaseException, file: str) -> str:
    """The same of what was raised while a file was imported, which is named where nothing else is."""
    line = of_exception(error)
    if isinstance(error, SyntaxError) and not error.filename:
        has_zeros = "null bytes" in str(error)
        line = f"{Path(file).name}: {line}" + (": is it UTF-16? Save it as UTF-8" if has_zeros else "")
    return line


def of_trace(trace: str) -> str:
    """Such as: homework.py, line 12: (with the blank); empty where it names no file of the author's."""
    # The last trace that was written is the one that counts; "most recent call first" heads each.
    last = trace[max(trace.rfind("most recent call first"), 0) :]
    frames = [(found["file"], int(found["line"])) for found in ENTRY.finditer(last)]
    return innermost(frames)


def innermost(frames: list[tuple[str, int]]) -> str:
    """The place of the frame, from the innermost on, that is in a file of the author's."""
    own = [(file, line) for file, line in frames if _is_the_authors(file)]
    return _place(*own[0]) if own else ""


def _is_the_authors(file: str) -> bool:
    """Whether it is neither Python's, nor a package's, nor ours."""
    path = Path(file)
    if file.startswith("<") or {"site-packages", "dist-packages"} & set(path.parts):
        return False
    return not any(path.is_relative_to(folder) for folder in (*OTHERS, *OURS))


def _place(file: str, line: int) -> str:
    return f"{Path(file).name}, line {line}: "


def _what(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"it ended the program with sys.exit({_one_line(error.code)})"
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return f"it printed or wrote more than {LARGEST_FILE >> 20} MiB"
    if isinstance(error, MemoryError) or "can't allocate memory" in _text(error):
        return f"it ran out of memory ({type(error).__name__})"
    text = _one_line(_text(error))
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException:
        return ""


def _one_line(value: object) -> str:
    try:
        text = " ".join(str(value).split())
    except BaseException:
        return type(value).__name__
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
