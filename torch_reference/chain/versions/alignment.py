"""Which version of a gradient may belong to which version of what it is the gradient of.

A name is assigned more than once by a loop, by a helper that is called again, or because it is used twice.
The backward pass meets the versions in the opposite order, as a rule, or counts the rounds by a whole number
that has the same name in both passes; and a gradient that is made at the end of a round may belong to the
round before. So there is more than one way, and the chain itself tells which one is meant (choice.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from torch_reference.chain.names import CONTAINERS
from torch_reference.chain.quantity import is_squeezed
from torch_reference.chain.recording.tracing import Made


class Aligned(NamedTuple):
    """A version of the forward pass, its gradient, and the label of the round."""

    forward: Made
    manual: Made
    label: str


Way = tuple[Aligned, ...]
MOST_LINES = 4
"""So many lines, the last, that give one quantity a gradient are tried."""


def ways(forward: Sequence[Made], manual: Sequence[Made]) -> list[Way]:
    """The ways in which the versions of one name may be paired, the likeliest first; none where none fits."""
    shapes = {version.value.shape for version in forward}
    fitting = [version for version in manual if version.value.shape in shapes]
    if not fitting:
        # Not one that waits to be reshaped, which may be in any order.
        ours, theirs = forward[0].value, manual[-1].value
        other = len(forward) == 1 and (ours.numel() != theirs.numel() or is_squeezed(theirs, ours))
        return [(Aligned(forward[0], manual[-1], ""),)] if other else []
    if len(forward) == 1:  # what was made of it further down may be the gradient of something else
        lines = {(version.code, version.line): version for version in fitting}
        latest = sorted(lines.values(), key=lambda version: -version.number)
        return [(Aligned(forward[0], version, ""),) for version in latest[:MOST_LINES]]
    found: dict[tuple[tuple[int, int], ...], Way] = {}
    for way in _ways(forward, fitting):
        if way:
            found.setdefault(tuple((one.forward.number, one.manual.number) for one in way), way)
    return list(found.values())


def by_keys(versions: Mapping[str, Sequence[Made]], gradients: dict[str, list[Made]]) -> dict[str, str]:
    """Manual name -> name of what stands in a dict of gradients under that name, d["w1"].

    It gets a name of its own among the gradients.
    """
    found = {}
    for name, made in list(gradients.items()):
        inside = [version for version in made if _holds_gradients(version.owner)]
        quantities = versions.get(name, ())
        if inside and quantities and not any(_holds_gradients(version.owner) for version in quantities):
            shown = f"{inside[0].owner}[{name!r}]"
            gradients[shown], found[shown] = [replace(version, name=shown) for version in inside], name
    return found


def _holds_gradients(owner: str) -> bool:
    """Whether it is called so: grads, or self.grads."""
    return owner.rpartition(".")[2] in CONTAINERS


def _ways(forward: Sequence[Made], manual: Sequence[Made]) -> Iterator[Way]:
    if len(forward) == len(manual):
        yield _paired(forward[::-1], manual)
    for ours in _loops(forward):
        for theirs in _loops(manual):
            for shift in (0, -1, 1):
                yield _by_number(ours, theirs, shift, forward)
            for one, other in ((ours[::-1], theirs), (ours, theirs), (ours[-2::-1], theirs)):
                yield _paired(one, other)
    if len(forward) == len(manual):
        yield _paired(forward, manual)
    if len(forward) == len(manual) + 1:
        yield _paired(forward[:0:-1], manual)
    # A gradient that is made once belongs to one of them.
    last = manual[-1:]
    for version in forward[::-1]:
        yield _paired([version], last)


def _loops(versions: Sequence[Made]) -> list[list[Made]]:
    """The versions that one line made more than once, the last line first."""
    lines: dict[tuple[object, int], list[Made]] = {}
    for version in versions:
        lines.setdefault((version.code, version.line), []).append(version)
    return sorted(
        (group for group in lines.values() if len(group) > 1),
        key=lambda group: group[-1].number,
        reverse=True,
    )


def _by_number(forward: Sequence[Made], manual: Sequence[Made], shift: int, every: Sequence[Made]) -> Way:
    """By a whole number of one name that counts the rounds in both passes; or a round before or after."""
    for name in forward[0].rounds:
        ours, theirs = _numbered(forward, name), _numbered(manual, name)
        if len(ours) != len(forward) or len(theirs) != len(manual):
            continue
        first = every.index(forward[0])
        if first:  # what there was before the loop belongs to the round before its first
            ours.setdefault(min(ours) - 1, every[first - 1])
        return _paired(
            [ours[number + shift] for number in theirs if number + shift in ours],
            [version for number, version in theirs.items() if number + shift in ours],
            name,
        )
    return ()


def _numbered(versions: Sequence[Made], name: str) -> dict[int, Made]:
    return {version.rounds[name]: version for version in versions if name in version.rounds}


def _paired(forward: Sequence[Made], manual: Sequence[Made], counter: str = "") -> Way:
    """All of them in this order, if every shape fits."""
    if len(forward) != len(manual) or any(
        ours.value.shape != theirs.value.shape for ours, theirs in zip(forward, manual, strict=True)
    ):
        return ()
    count = len(forward)
    labels = [
        f" ({counter}={version.rounds.get(counter)})" if counter else f" ({place} of {count})"
        for place, version in enumerate(manual, start=1)
    ]
    if count == 1:
        labels = [""]
    return tuple(map(Aligned, forward, manual, labels))
