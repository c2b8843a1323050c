"""The local variables of unmodified code, version by version, each with the line that made it.

A trace function looks at the locals of the user's frames after every line. It changes nothing and raises
nothing; where it cannot look on (too many versions, too much memory, another thread) it stops, and says so.
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import CodeType, FrameType, TracebackType
from typing import Any

import torch
from torch import Tensor

from torch_reference.chain.arrays import tensor_of
from torch_reference.chain.arrays.users_code import is_the_users
from torch_reference.chain.graph import Edge, edge_of
from torch_reference.chain.recording.calls import Call, parts_of
from torch_reference.chain.recording.values import as_double, identity_of, inside, named_values
from torch_reference.judging.calls.nests import is_numeric_array

MOST_VERSIONS, MOST_ELEMENTS, MOST_EVENTS = 4000, 1 << 26, 200_000
"""Behind these the recording stops: what is not recorded costs nothing."""
MOST_RETURNS = 64


@dataclass(frozen=True)
class Made:
    """One version of a local variable: its value then, its edge if it has a graph, and where it was made.

    number counts all versions in the order in which they were made; rounds holds the frame's whole numbers,
    by which the rounds of a loop are told apart; owner is the variable whose entry or attribute it is; call
    is the number of the call in whose variables it was first seen, and named_at the line there.
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
    call: int = 0
    named_at: tuple[CodeType, int] | None = None


class Recorder:
    """While it is entered, record every version of every tensor in a local variable of the user's frames."""

    def __init__(self) -> None:
        """Nothing is recorded yet."""
        self.made: list[Made] = []
        self.calls: list[Call] = []
        self.stopped, self._elements, self._events = "", 0, 0
        self.handed_in: set[int] = set()
        """The tensors that the outermost frames were called with, also inside of others."""
        self._returns: list[tuple[CodeType, int, Any]] = []
        self._seen: dict[FrameType, dict[tuple[str, str], tuple[int, int]]] = {}
        self._lines: dict[FrameType, tuple[CodeType, int]] = {}
        self._calls: dict[FrameType, Call] = {}
        self._known: set[tuple[int, int]] = set()
        self._returned_at: dict[tuple[int, int], tuple[CodeType, int]] = {}
        """Of what got no name where it was made, the line that returned it."""
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
        self._calls.clear()

    def _on_call(self, frame: FrameType, event: str, _arg: Any) -> Any:
        code = frame.f_code
        if self.stopped or not is_the_users(code):
            return None
        self._seen[frame] = {}
        # What it is called with was made where it is called.
        above = self._lines.get(frame.f_back) if frame.f_back is not None else None
        self._lines[frame] = above or (code, code.co_firstlineno)
        self._called(frame, above)
        if len(self._seen) == 1:
            self.handed_in |= {id(value) for value in inside(dict(frame.f_locals))}
        self._look(frame)
        return self._on_line

    def _called(self, frame: FrameType, above: tuple[CodeType, int] | None) -> None:
        outer = self._calls[frame.f_back].number if above and frame.f_back is not None else None
        given = tuple(map(tensor_of, frame.f_locals.values()))
        call = Call(len(self.calls), frame.f_code, outer, len(self.made), given)
        self._calls[frame] = call
        self.calls.append(call)

    def _on_line(self, frame: FrameType, event: str, arg: Any) -> Any:
        if frame not in self._seen:
            return None
        self._look(frame)
        self._lines[frame] = (frame.f_code, frame.f_lineno)
        if event == "return":
            self._returns = [*self._returns[-MOST_RETURNS:], (frame.f_code, frame.f_lineno, arg)]
            self._calls[frame].returned = parts = parts_of(arg)
            self._note_return(parts, self._lines[frame])
            del self._seen[frame], self._lines[frame], self._calls[frame]
        return None if self.stopped else self._on_line

    def _note_return(self, parts: Iterable[Any], place: tuple[CodeType, int]) -> None:
        arrays = [value for value in parts if isinstance(value, Tensor) or is_numeric_array(value)]
        for identity in map(identity_of, arrays):
            if identity not in self._known:
                self._returned_at.setdefault(identity, place)

    @property
    def last_return(self) -> tuple[CodeType, int] | None:
        """Where what was returned last was returned first: others may only have handed it on."""
        if not self._returns:
            return None
        last = self._returns[-1][2]
        return next((code, line) for code, line, value in self._returns if value is last)

    def _look(self, frame: FrameType) -> None:
        """Record what the line before has made."""
        self._events += 1
        if self._events > MOST_EVENTS:
            self.stopped = f"more than {MOST_EVENTS} lines were run"
        try:
            seen, found = self._seen[frame], dict(frame.f_locals)
            rounds = {name: value for name, value in found.items() if type(value) is int}
            for owner, name, value in named_values(found):
                identity = identity_of(value)
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
        place = self._returned_at.pop(identity, self._lines[frame])
        named_at = self._lines[frame]
        self._add(name, tensor, identity, place, rounds, owner, self._calls[frame].number, named_at)

    def note(self, name: str, value: Tensor, code: CodeType) -> None:
        """Record a value that is in no local variable: a submodule's output."""
        self._kept.append(value)
        self._add(name, value, identity_of(value), (code, code.co_firstlineno), {}, "")

    def _add(
        self,
        name: str,
        value: Tensor,
        identity: tuple[int, int],
        place: tuple[CodeType, int],
        rounds: Mapping[str, int],
        owner: str,
        call: int = 0,
        named_at: tuple[CodeType, int] | None = None,
    ) -> None:
        with torch.no_grad():
            copy = value.detach().clone()
        edge = edge_of(value)
        self._known.add(identity)
        number = len(self.made)
        self.made.append(Made(name, number, copy, edge, identity, *place, rounds, owner, call, named_at))
