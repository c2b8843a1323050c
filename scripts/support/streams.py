"""Standard output and standard error, in whatever state the caller handed them over."""

import codecs
import contextlib
import errno
import io
import os
import sys

PLAIN = "plain"
SPELLED = {
    **{
        "−": "-",
        "·": "*",
        "∂": "d",
        "Σ": "sum",
        "σ": "sigmoid",
        "²": "^2",
        "ᵢ": "_i",
        "ᵀ": "^T",
        "√": "sqrt",
    },
    **{"…": "...", "–": "-", "≤": "<=", "≥": ">=", "→": "->", "×": "x", "⟨": "<", "⟩": ">", "′": "'"},
}
"""How the signs of a formula are spelled where a terminal's encoding has none of them."""


def _spelled(error: UnicodeError) -> tuple[str, int]:
    """What is written instead of what cannot be encoded: a spelling, or a question mark."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(SPELLED.get(sign, "?") for sign in error.object[error.start : error.end]), error.end


codecs.register_error(PLAIN, _spelled)


def prepare_streams() -> None:
    """Let no character that a terminal cannot show, and no stream that is closed, cost the report."""
    for descriptor in (0, 1, 2):  # else the next file that is opened would become an output
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or _Closed()
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115 - open to the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors=PLAIN)


def discard_output() -> None:
    """Throw away what is still to be written to standard output: at the exit it would fail once more."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Closed(io.TextIOBase):
    """Standard output where the caller has closed it: whoever writes is told, as by the system."""

    def write(self, text: str) -> int:
        """Fail as the system does."""
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), "standard output")
