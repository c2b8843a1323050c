"""The local variables of unmodified code, version by version, each with the line that made it.

A trace function looks at the locals of the user's frames after every line. It changes nothing and raises
nothing; where it cannot look on (too many versions, too much memory, another thread) it stops, and says so.
"""

import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any

import torch
from torch import Tensor

from torch_reference.chain.graph import Edge, edge_of

MOST_VERSIONS, MOST_ELEMENTS, MOST_EVENTS = 4000, 1 << 26, 200_000
"""Behind these the recording stops: what is not recorded costs nothing."""

_OWN = str(Path(__file__).parent.parent)
_LIBRARIES = tuple(
    {_OWN, str(Path(torch.__file__).parent), *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib"))}
)
_INSTALLED = ("site-packages", "dist-packages")


@dataclass(frozen=True)
class Made:
    """One version of a local variable: its value then, its edge if it has a graph, and where it was made.

    number counts all versions in the order in which they were made; rounds holds the frame's whole numbers,
    by which the rounds of a loop are told apart; owner is the variable whose entry or attribute it is.
    """

    name: str
    number: int
    value: Tensor
    edge: Edge | None
    identity: tuple[int, int]
    code: CodeType
    line: int
    rounds: Mapping[str, int] = field(default_factory=dict)
    owner: str = ""


class Recorder:
    """While it is entered, record every version of every tensor in a local variable of the user's frames."""

    def __init__(self) -> None:
        """Nothing is recorded yet."""
        self.made: list[Made] = []
        self.stopped, self._elements, self._events = "", 0, 0
        self.last_return: tuple[CodeType, int] | None = None
        self._seen: dict[FrameType, dict[tuple[str, str], tuple[int, int]]] = {}
        self._lines: dict[FrameType, int] = {}
        self._kept: list[Any] = []  # so that no identity is given away

    def __enter__(self) -> "Recorder":
        """Trace this thread, in place of whatever traces it now."""
        self._before = sys.gettrace()
        sys.settrace(self._on_call)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Trace as before."""
        sys.settrace(self._before)
        self._seen.clear()
        self._lines.clear()

    def _on_call(self, frame: FrameType, event: str, _arg: Any) -> Any:
        code = frame.f_code
        if self.stopped or not is_the_users(code):
            return None
        self._seen[frame] = {}
        self._lines[frame] = code.co_firstlineno
        self._look(frame)
        return self._on_line

    def _on_line(self, frame: FrameType, event: str, _arg: Any) -> Any:
        if frame not in self._seen:
            return None
        self._look(frame)
        self._lines[frame] = frame.f_lineno
        if event == "return":
            self.last_return = frame.f_code, frame.f_lineno
            del self._seen[frame], self._lines[frame]
        return None if self.stopped else self._on_line

    def _look(self, frame: FrameType) -> None:
        """Record what the line before has made."""
        self._events += 1
        if self._events > MOST_EVENTS:
            self.stopped = f"more than {MOST_EVENTS} lines were run"
        try:
            seen, found = self._seen[frame], dict(frame.f_locals)
            rounds = {name: value for name, value in found.items() if type(value) is int}
            for owner, name, value in _tensors(found):
                identity = _identity(value)
                if seen.get((owner, name)) != identity:
                    seen[owner, name] = identity
                    self._record(name, value, identity, frame, rounds, owner)
        except Exception as error:  # a user's object may do anything when it is looked at
            self.stopped = f"a local variable cannot be looked at ({type(error).__name__})"

    def _record(
        self,
        name: str,
        value: Any,
        identity: tuple[int, int],
        frame: FrameType,
        rounds: Mapping[str, int],
        owner: str,
    ) -> None:
        tensor = value if isinstance(value, Tensor) else as_double(value)
        self._elements += tensor.numel()
        if len(self.made) >= MOST_VERSIONS or self._elements > MOST_ELEMENTS:
            self.stopped = "too many versions of local variables, or too large ones"
            return
        self._kept.append(value)
        self._add(name, tensor, identity, (frame.f_code, self._lines[frame]), rounds, owner)

    def note(self, name: str, value: Tensor, code: CodeType) -> None:
        """Record a value that is in no local variable: a submodule's output."""
        self._kept.append(value)
        self._add(name, value, _identity(value), (code, code.co_firstlineno), {}, "")

    def _add(
        self,
        name: str,
        value: Tensor,
        identity: tuple[int, int],
        place: tuple[CodeType, int],
        rounds: Mapping[str, int],
        owner: str,
    ) -> None:
        with torch.no_grad():
            copy = value.detach().clone()
        edge = edge_of(value)
        self.made.append(Made(name, len(self.made), copy, edge, identity, *place, rounds, owner))


def as_double(value: Any) -> Tensor:
    """An array or a number as a tensor in float64, in which all of its digits are kept."""
    return torch.tensor(value, dtype=torch.float64)


def is_the_users(code: CodeType) -> bool:
    """Whether code is neither torch's, nor Python's, nor an installed package's, nor ours."""
    file = code.co_filename
    if file.startswith("<frozen") or (code.co_name.startswith("<") and code.co_name != "<lambda>"):
        return False
    return not file.startswith(_LIBRARIES) and not any(part in file for part in _INSTALLED)


def _identity(value: Any) -> tuple[int, int]:
    """Another object, or the same one changed in place, is another version."""
    if isinstance(value, Tensor):
        return id(value), value._version
    if isinstance(value, float):
        return hash(value), 0
    return id(value), hash(value.tobytes()) if value.size < 1 << 16 else 0


def _tensors(variables: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """(owner, name, value) of every tensor, array and number among the variables, and in what they hold."""
    for name, value in variables.items():
        if _is_numeric(value):
            yield "", name, value
            continue
        for key, item in _held(value):
            if isinstance(key, str) and _is_numeric(item):
                yield name, key, item


def _held(value: Any) -> list[tuple[Any, Any]]:
    """The entries of a mapping, the attributes of a plain object: a cache, a ctx, a trace."""
    if type(value) is dict:
        return list(value.items())
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return list(value._asdict().items())
    if isinstance(value, type | torch.nn.Module) or type(value).__module__ in ("builtins", "types", "torch"):
        return []
    return list(getattr(value, "__dict__", {}).items())


def _is_numeric(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value.is_floating_point() and value.layout is torch.strided
    if type(value) is float:
        return True
    return (
        type(value).__module__ == "numpy"
        and getattr(getattr(value, "dtype", None), "kind", "") == "f"
        and hasattr(value, "tobytes")
    )
