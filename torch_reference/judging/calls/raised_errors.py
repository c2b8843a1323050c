"""The user's code may raise anything, anywhere: what it raised, and which part did, in one line."""

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType

import torch

HERE = Path(__file__).parents[2]
TORCH = "/torch/"
REFUSED = (
    "invalid argument",
    "invalid configuration",
    "out of memory",
    "too many resources",
    "not supported",
)
"""What CUDA says of a launch that it did not begin."""
ASSERTED = "device-side assert"
RUNNERS = {"_pytest", "hypothesis", "asyncio", "concurrent", "trio", "anyio", "gevent", "greenlet"}
"""Whose errors that are no Exception stop a test, or a task, from outside."""
OF_THE_GRAPH = ("/torch/utils/checkpoint", "/torch/autograd/")
"""Where torch raises what is wrong with a graph: that says nothing of which calls are taken."""

_later = ContextVar("whether a GPU is waited for later", default=False)


class UserCodeError(RuntimeError):
    """What a part of the user's code raised; its text is one line."""

    def __init__(self, part: str, error: BaseException) -> None:
        """Keep which part it was, such as "backward"; what it raised is the text."""
        self.part = part
        super().__init__(_told(error))


class OtherShapeError(UserCodeError):
    """An output, the part, has another shape than the reference's, and takes no upstream gradient of its."""

    def __init__(self, part: str, told: str) -> None:
        """Keep which output it is; the text is of the shapes."""
        self.part = part
        RuntimeError.__init__(self, told)


@contextmanager
def user_code(part: str) -> Iterator[None]:
    """Whatever the user's code raises in here becomes a UserCodeError that names the part that was called.

    sys.exit is no way out of a check either, nor is an error that is no Exception. An interrupt from the
    keyboard is, and so is an error of the program that runs the check, as of a test's runner, or one whose
    class has ends_the_check.
    """
    try:
        yield
        if not _later.get() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call] # torch leaves it
            torch.cuda.synchronize()  # what a kernel raises is known only then, and would seem another's
    except UserCodeError:
        raise
    except BaseException as error:
        if ends_the_check(error):
            raise
        # Of a StopIteration contextlib takes an error with this cause for Python's own, and drops it. A name
        # for the cause would keep it, and by its traceback every tensor on the stack, until Python looks for
        # what keeps itself.
        raise UserCodeError(part, error) from (None if isinstance(error, StopIteration) else error)


@contextmanager
def waiting_later() -> Iterator[None]:
    """Let a GPU go on while the user's code is called, as in a training, and wait for it at the end.

    >>> with waiting_later():
    ...     y = torch.ones(2) + 1
    """
    token = _later.set(True)
    try:
        yield
    finally:
        _later.reset(token)
        with user_code("backward"):  # a kernel of it may have raised something
            pass


def ends_the_check(error: BaseException) -> bool:
    """Whether it is meant for the program that runs the check: it is asked by its class, which cannot lie."""
    kind = type(error)
    if issubclass(kind, KeyboardInterrupt) or any("ends_the_check" in vars(base) for base in kind.__mro__):
        return True
    is_of_a_runner = str(vars(kind).get("__module__")).partition(".")[0] in RUNNERS
    return is_of_a_runner and not issubclass(kind, Exception)


def loses_the_device(error: str) -> bool:
    """Whether a GPU cannot be used any more by this process, as after an index that is out of range there.

    A launch that was refused, as that of no block for no row, changes nothing.
    """
    return "CUDA error" in error and not any(refused in error for refused in REFUSED)


def is_out_of_range(error: str) -> bool:
    """Whether an index is not taken, as a processor says it or, at the cost of its use, a GPU."""
    return "IndexError" in error or "out of range" in error or "out of bounds" in error or ASSERTED in error


def is_guard(error: UserCodeError) -> bool:
    """Whether the code says itself that it takes no such call: raise, assert, a kernel's look at strides."""
    cause = error.__cause__
    if cause is None:
        return False
    frames, said = frames_of(cause), _said(cause)
    is_raised = bool(frames) and re.search(r"\b(raise|assert)\b", frames[-1].line or "") is not None
    if is_raised and any(part in frames[-1].filename for part in OF_THE_GRAPH):
        return False
    # "view size is not compatible ..., across two contiguous subspaces" is what a view says of an oversight.
    is_of_strides = "contiguous" in said and "subspaces" not in said
    has_no_kernel = "No available kernel" in said  # for scaled_dot_product_attention of one backend
    return is_raised or is_of_strides or has_no_kernel or isinstance(cause, AssertionError)


def _told(error: BaseException) -> str:
    said = _said(error).strip().splitlines()
    name = type.__dict__["__name__"].__get__(type(error))
    return f"{name}{': ' if said else ''}{said[0] if said else ''}{_place(error)}"


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # its text is the user's code, too
        return ""


def without_place(told: str) -> str:
    """What was told of an error, but for the user's line that stands behind it."""
    return told.rpartition(" (")[0] or told


def _place(error: BaseException) -> str:
    """The last line of the user's own that was on the way to it. No file is read: errors are many."""
    steps = traceback.walk_tb(_traceback(error))
    own = [(step.f_code.co_filename, line) for step, line in steps if _is_own(step.f_code.co_filename)]
    return f" ({Path(own[-1][0]).name}, line {own[-1][1]})" if own else ""


def own_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The lines of the user's own that were on the way to it."""
    return [frame for frame in frames_of(error) if _is_own(frame.filename)]


def _is_own(filename: str) -> bool:
    is_known = filename.startswith((str(HERE), "<")) or TORCH in filename
    return not is_known and not any(part in filename for part in ("contextlib", "importlib"))


def frames_of(error: BaseException) -> traceback.StackSummary:
    """All lines on the way to it, of which the error itself is not asked: its attributes are its class's."""
    return traceback.extract_tb(_traceback(error))


def _traceback(error: BaseException) -> TracebackType | None:
    found: TracebackType | None = BaseException.__dict__["__traceback__"].__get__(error)
    return found
