"""Which call of a backward belongs to which call of a forward: affine_backward's to affine_forward's.

A backward that is put together of others calls them, and each is handed what its forward left for it: a cache
that was returned, or the object whose method both are. A name in the one means the name in the other then,
however many variables are called x.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

from torch import Tensor

from torch_reference.chain.arrays import tensor_of

PLAIN = (
    int,
    float,
    complex,
    str,
    bytes,
    bool,
    type(None),
    type,
    BuiltinFunctionType,
    FunctionType,
    ModuleType,
)
WORDS = re.compile(r"_?(forward|backward|fwd|bwd|grad|gradient|vjp|bprop|backprop)_?", re.IGNORECASE)
DIRECTLY, INSIDE = 2, 1


@dataclass
class Call:
    """One call of a function of the user's: what it was handed, and what it returned.

    made_in is the number of the call that it was made in, since that of the next version then; what is kept
    here has its identity to itself for as long.
    """

    number: int
    code: CodeType
    made_in: int | None
    since: int
    given: tuple[Any, ...]
    returned: tuple[Any, ...] = field(default=())

    @property
    def stem(self) -> str:
        """The name without forward or backward: affine; a method's with its class."""
        return WORDS.sub("", self.code.co_qualname)


def parts_of(value: Any) -> tuple[Any, ...]:
    """What was returned, and what stands directly in it."""
    found = (value, *value) if type(value) in (tuple, list) else (value,)
    return tuple(map(tensor_of, found))


def matched_calls(
    forward: Sequence[Call], backward: Sequence[Call], originals: Mapping[int, int]
) -> dict[int, int]:
    """Number of a backward's call -> number of the forward's call that left what it was handed.

    Of several calls with the same object the last comes first, as backward passes have it. originals says of
    what was copied in between what it was.
    """
    several: dict[tuple[int, ...], list[int]] = {}
    for call in backward:
        handed = {originals.get(id(value), id(value)) for value in call.given if _tells(value)}
        found = _left_by(handed, [one for one in forward if one.code is not call.code], call)
        if found:
            several.setdefault(tuple(found), []).append(call.number)
    matched: dict[int, int] = {}
    for candidates, numbers in several.items():
        if len(candidates) == len(numbers):
            matched |= zip(numbers, candidates[::-1], strict=True)
    return matched


def _left_by(handed: set[int], forward: Iterable[Call], call: Call) -> list[int]:
    """The calls that left most of it: in a container rather than as a tensor, and of a like name."""
    scores: dict[int, tuple[int, bool]] = {}
    for one in forward:
        kept = [value for value in (*one.returned, *_objects(one.given)) if id(value) in handed]
        if kept:
            weight = DIRECTLY if any(not isinstance(value, Tensor) for value in kept) else INSIDE
            scores[one.number] = weight, bool(one.stem) and call.stem.startswith(one.stem)
    best = max(scores.values(), default=None)
    found = [number for number, score in scores.items() if score == best]
    # A tensor alone is handed to many: then the name must tell.
    return found if best is not None and (best[0] == DIRECTLY or best[1]) else []


def _objects(given: Iterable[Any]) -> Iterator[Any]:
    return (value for value in given if not isinstance(value, Tensor) and _tells(value))


def _tells(value: Any) -> bool:
    """Whether it is one thing and no other: a number may be the same by chance, an empty tuple always is."""
    if isinstance(value, PLAIN):
        return False
    return not (type(value) in (tuple, list, dict) and not value)


def homes(calls: Sequence[Call], matched: Iterable[int]) -> dict[int, int]:
    """Number of a call -> the matched call in which it was made, or itself; none for what is in none."""
    known, found = set(matched), {}
    for call in calls:  # a call comes after the one that it was made in
        if call.number in known:
            found[call.number] = call.number
        elif call.made_in in found:
            found[call.number] = found[call.made_in]
    return found
