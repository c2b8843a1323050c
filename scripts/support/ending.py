"""How a program ends: the one place that turns whatever happened into an exit status and at most one line.

| status | what it means |
| --- | --- |
| 0 | it was done; where two things were compared, they agree |
| 1 | a mismatch, and nothing else; what --no-autograd refuses counts as one |
| 2 | an option, a file or a number is not what it should be, or a library is missing |
| 3 | the user's own code failed, or ended the process |
| 70 | a bug of this program's; the traceback is in a file that the line names |
| 71 | the machine has not enough memory |
| 74 | standard output or a file could not be written: a full disk, a closed output |
| a signal | Ctrl-C ends a program by SIGINT, a pipe that nobody reads with 141, as others do |

Every expected error is a ValueError; the user's code is called where its errors become a UsersCodeError. With
--json each error is an object as well: {"error": the line, "status": the status}.

Every program imports this module first: what fails while it imports the others ends by the same table.
"""

import argparse
import contextlib
import json
import os
import platform
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn

from reading.option_hints import hint
from reading.plain_lines import one_line
from support.installed_packages import broken_installation, what
from support.streams import discard_output, prepare_streams

AGREEMENT, MISMATCH, BAD_INPUT, USERS_CODE = 0, 1, 2, 3
OUR_BUG, NO_MEMORY, NOT_WRITTEN = 70, 71, 74  # EX_SOFTWARE, EX_OSERR and EX_IOERR of sysexits.h
UNREAD_PIPE, INTERRUPTED = 128 + 13, 128 + 2  # as a shell counts the signals SIGPIPE and SIGINT

BAD_NAMES = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError)
"""What the system answers to the name of a file that cannot be right."""


class UsersCodeError(Exception):
    """The user's own code failed; the message is the one line that says what was called and what came."""

    ends_the_check = True  # the line is the program's last word, and no finding of a report
    printed = ""  # before that, by the code


class Parsed(SystemExit):
    """The parser ends the program, after --help or with a line about an option: our only exit."""

    def __init__(self, status: int, line: str) -> None:
        super().__init__(status)
        self.line = line


class Parser(argparse.ArgumentParser):
    """An argument parser that answers a mistake with one line instead of the whole usage."""

    elsewhere: Callable[[], Any] = staticmethod(lambda: ((), ""))  # options beside another, and which one

    def _get_value(self, action: argparse.Action, text: str) -> Any:
        if not text and not getattr(action, "may_be_empty", False):  # a shell's variable that is not set
            raise argparse.ArgumentError(action, "expected a value, found ''")
        return super()._get_value(action, text)  # type: ignore[misc] # typeshed does not know it

    def error(self, message: str) -> NoReturn:
        """Print the one line to standard error and exit with 2."""
        said = hint(message, self._option_string_actions, *self.elsewhere()) or "--help lists the options"
        self.exit(BAD_INPUT, f"{self.prog}: error: {message} ({said})")

    def print_help(self, file: IO[str] | None = None) -> None:
        """Print the help; argparse itself keeps silent where that fails."""
        print(self.format_help(), end="", file=file)

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Print the line, if there is one, and exit."""
        if line := one_line(message or ""):
            _say(line)
        raise Parsed(status, line)


def run(main: Callable[[Sequence[str] | None], int]) -> NoReturn:
    """Run a program's main function, and end the process as the table above says."""
    prepare_streams()
    status = _status_of(main)
    if status in (NOT_WRITTEN, UNREAD_PIPE):
        discard_output()
    if status == INTERRUPTED and os.name == "posix":
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)  # a shell's loop ends with the program that Ctrl-C ended
    sys.exit(status)


def _status_of(main: Callable[[Sequence[str] | None], int]) -> int:
    try:
        try:
            status = main(None)
        except Parsed as end:
            status = int(end.code or 0)
            if end.line:
                _tell_json(end.line, status)
        sys.stdout.flush()
    except BaseException as error:
        return _status_of_error(error)
    return status


def _status_of_error(error: BaseException) -> int:
    """The status that the table has for it; the line is printed."""
    match error:
        case ValueError():
            return _tell(str(error), BAD_INPUT)
        case UsersCodeError():
            return _tell(str(error), USERS_CODE)
        case KeyboardInterrupt():
            return INTERRUPTED
        case BrokenPipeError():
            return UNREAD_PIPE  # the reader of a pipe, such as head, has seen enough
        case OSError():
            is_name = isinstance(error, BAD_NAMES) and error.filename
            where = error.filename or "the output was not written"
            return _tell(f"{where}: {error.strerror or error}", BAD_INPUT if is_name else NOT_WRITTEN)
        case ImportError() if line := broken_installation(error):
            return _tell(line, BAD_INPUT)
        case Exception() if _is_out_of_memory(error):
            return _tell(f"not enough memory: {error}", NO_MEMORY)
        case Exception():
            return _tell(_bug(error), OUR_BUG)
    # A SystemExit that is not ours, or something of the user's invention.
    name = f"sys.exit({error.code!r})" if isinstance(error, SystemExit) else type(error).__name__
    return _tell(f"code of yours ended the program by {name}: there is no result", USERS_CODE)


def _end_before_main(kind: type[BaseException], error: BaseException, trace: object) -> None:
    """Python's hook for what nothing has caught: a program of ours fails while it imports."""
    if isinstance(error, KeyboardInterrupt):
        return  # Python itself ends by the signal
    prepare_streams()
    if not isinstance(error, MemoryError) and (line := broken_installation(error)):
        raise SystemExit(_tell(line, BAD_INPUT))
    if isinstance(error, ValueError):  # nobody has given us any value yet
        raise SystemExit(_tell(_bug(error), OUR_BUG))
    raise SystemExit(_status_of_error(error))


def _tell(message: str, status: int) -> int:
    """Print the one line to standard error, and the object of --json; give the status."""
    _say(line := one_line(f"{_program()}: error: {message}"))
    if status != NOT_WRITTEN:
        _tell_json(line, status)
    return status


def _tell_json(line: str, status: int) -> None:
    # Of several ranks one prints: two objects would be no JSON.
    if "--json" in sys.argv[1:] and os.environ.get("RANK", "0") == "0":
        message = line.removeprefix(f"{_program()}: error: ")
        with contextlib.suppress(OSError):
            print(json.dumps({"error": message, "status": status}), flush=True)


def _say(line: str) -> None:
    with contextlib.suppress(OSError):  # nobody can read it: the status remains
        print(line, file=sys.stderr, flush=True)


def _program() -> str:
    return Path(sys.argv[0]).name


def _is_out_of_memory(error: Exception) -> bool:
    """Python's own error, or torch's: of the CPU a RuntimeError like others, of a GPU one by itself."""
    is_torchs = type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error)
    return isinstance(error, MemoryError) or is_torchs


def _bug(error: BaseException) -> str:
    """The line that asks to report a bug; the file that it names holds all that a report needs."""
    told = f"a bug of this program, not of your input: {what(error)}"
    report = "".join(traceback.format_exception(error))
    torch = getattr(sys.modules.get("torch"), "__version__", "not imported")
    about = f"{' '.join(sys.argv)}\nPython {sys.version}, torch {torch}, {platform.platform()}\n\n"
    try:
        descriptor, path = tempfile.mkstemp(prefix=f"{Path(_program()).stem}-bug-", suffix=".txt")
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:  # noqa: PTH123
            file.write(about + report)
    except OSError:  # no room for a file either
        _say(report)
        return f"{told}; please report it with the traceback above"
    return f"{told}; please report it with the traceback in {path}"


_program_file = Path(getattr(sys.modules["__main__"], "__file__", ""))
if _program_file.resolve().parent == Path(__file__).resolve().parents[1]:
    sys.excepthook = _end_before_main
