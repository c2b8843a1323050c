"""What came of a call that brought no numbers: the error that the judge raises for it."""

from support.ending import UsersCodeError

import signal
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from isolation import tensors

NO_RESULT = (
    KeyError,
    ValueError,
    IndexError,
    RuntimeError,
    StopIteration,
    AttributeError,
    TypeError,
    ArithmeticError,
    MemoryError,
)
"""What reading an answer leads to that no pupil of ours has written."""


class WrongFormError(TypeError):
    """The derivation returned what is no mapping of names to numbers."""

    ends_the_check = True


def taken(name: str, entry: dict[str, Any], memory: bytes, given: Mapping[str, Tensor]) -> Any:
    """One result on the judge's side; WrongFormError where it is no number."""
    try:
        return tensors.taken(entry, memory, given)
    except TypeError as error:
        found = f"{name!r}: {error}"
        raise WrongFormError(f"a derivation must return a mapping name -> tensor, found {found}") from None


def refusal(line: str, kind: object) -> Exception:
    """A name that stands for nothing is bad input, a result without a form a TypeError."""
    return {"name": ValueError, "form": WrongFormError}.get(str(kind), UsersCodeError)(line)


def ending(code: object) -> str:
    """How a process ended, in words."""
    if not isinstance(code, int) or code >= 0:
        return f"it ended its process (exit status {code})"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    why = {"SIGKILL": ", as where memory runs out", "SIGXCPU": ", the limit of its time"}.get(name, "")
    return f"it was ended by {name}{why}"
