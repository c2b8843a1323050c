"""A gradient that is put together of parts: d_x1 and d_x2 for two uses of x, each judged by itself.

What arrives at a quantity from each of its uses is a term; a part is right if it is a term, or a sum of some.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import torch
from torch import Tensor

from torch_reference.chain.graph import Edge
from torch_reference.chain.quantity import Quantity, place_of
from torch_reference.chain.recording.tracing import Made
from torch_reference.chain.verdict import Chain, Judged, Status
from torch_reference.comparison import Row, Verdict
from torch_reference.diagnosis.diagnosis_kinds import KINDS
from torch_reference.diagnosis.likeness import likeness
from torch_reference.judging.finding import Diagnosis

MOST_TERMS = 6
"""Of so many terms all sums are tried; of more, each by itself and the sums of the first and the last."""


def stem_of_a_part(name: str) -> str:
    """The name of the whole of which this may be a part, else empty.

    >>> [stem_of_a_part(name) for name in ("d_x1", "d_x_2", "d_x_a", "dW0_real", "dh")]
    ['d_x', 'd_x', 'd_x', 'dW0', '']
    """
    found = re.fullmatch(r"(\w*?[A-Za-z])_?\d|(\w*[A-Za-z\d])_[a-z]+", name)
    return (found[1] or found[2]) if found else ""


def with_parts(judged: Sequence[Judged], chain: Chain) -> list[Judged]:
    """The links, where a wrong one is made of parts with these, and a part is not blamed for being one."""
    found: list[Judged] = []
    for one in judged:
        if one.status is not Status.WRONG:
            found.append(one)
            continue
        terms = chain.terms(one.quantity.edge, one.cuts)
        if one.quantity.parts:
            found += _in_parts(one, terms)
        elif len(terms) > 1 and _is_a_part(one.quantity.manual, terms):
            found += _as_a_part(one, judged, len(terms))
        else:
            found.append(one)
    return found


def _in_parts(whole: Judged, terms: Sequence[Tensor]) -> Iterator[Judged]:
    parts = whole.quantity.parts
    right = [_is_a_part(part.manual, terms) for part in parts]
    if len(terms) < 2 or not any(right):  # they are parts of another kind, if any
        if whole.quantity.place is None:
            whole = replace(whole, status=Status.NOT_JUDGED, reason="no part of it is what one use makes")
        yield whole
        return
    unmet = [term for term in terms if not any(_alike(part.manual, term) for part in parts)]
    for part, is_right in zip(parts, right, strict=True):
        expected = unmet[0] if len(unmet) == 1 else None
        status = Status.RIGHT if is_right else Status.WRONG
        row = Row(part.shown, Verdict.AGREES) if is_right else _row(part, expected)
        told = None if is_right or expected is None else likeness(part.manual, expected)
        yield Judged(part, status, row, None, expected, "a part of it" if is_right else "", diagnosis=told)
    if all(right):
        yield whole
    elif whole.quantity.place is not None:
        yield replace(whole, status=Status.INHERITED)


def _as_a_part(one: Judged, judged: Sequence[Judged], count: int) -> list[Judged]:
    others = [other.quantity for other in judged if other.quantity is not one.quantity]
    # A helper knows of one use only.
    beside = any(other.edge == one.quantity.edge and not other.partial for other in others)
    if beside and not one.quantity.returned:
        part = replace(one, status=Status.NOT_JUDGED, reason="a part of the gradient, and right as one")
        return [] if one.quantity.partial else [part]
    sentence, mend = KINDS["term missing"]
    told = Diagnosis("term missing", sentence.format(count=count), mend)
    # Made right, and then handed on where it should have been added: that line is the wrong one.
    place = one.quantity.handed_on[0] if len(one.quantity.handed_on) > 1 else one.quantity.place
    return [replace(one, diagnosis=told, quantity=replace(one.quantity, place=place))]


def _is_a_part(manual: Tensor, terms: Sequence[Tensor]) -> bool:
    return any(_alike(manual, sum(some[1:], some[0])) for some in _some(terms))


def _some(terms: Sequence[Tensor]) -> Iterator[Sequence[Tensor]]:
    for term in terms:
        yield [term]
    if len(terms) <= MOST_TERMS:
        for size in range(2, len(terms)):
            yield from combinations(terms, size)
        return
    for size in range(2, len(terms)):
        yield terms[:size]
        yield terms[-size:]


def _alike(manual: Tensor, term: Tensor) -> bool:
    if manual.shape != term.shape or not term.any():
        return False
    close = torch.finfo(manual.dtype).eps ** 0.5
    return bool((manual.double() - term).norm() <= close * term.norm())


def _row(part: Quantity, expected: Tensor | None) -> Row:
    """The worst element beside the one term that no part is."""
    if expected is None or expected.shape != part.manual.shape:
        return Row(part.shown, Verdict.DIFFERS, explanation="it is no term of the gradient")
    off = (part.manual.double() - expected).abs()
    worst = int(off.argmax())
    index = tuple(int(i) for i in torch.unravel_index(torch.tensor(worst), off.shape))
    wrong = off > torch.finfo(part.manual.dtype).eps ** 0.5 * expected.abs()
    return Row(
        part.shown,
        Verdict.DIFFERS,
        float(part.manual.flatten()[worst]),
        float(expected.flatten()[worst]),
        float(off.max()),
        index=index,
        wrong_elements=int(wrong.sum()),
        elements=off.numel(),
    )


def grouped(parts: Mapping[Edge, Sequence[Quantity]], links: Sequence[Quantity]) -> list[Quantity]:
    """The links, those that are the sums of parts with these; parts without a whole get one."""
    found = list(links)
    for edge, some in parts.items():
        total = sum((part.manual for part in some[1:]), some[0].manual)
        wholes = [place for place, link in enumerate(found) if link.edge == edge]
        alike = [place for place in wholes if _alike(found[place].manual, total.double())]
        if alike:
            found[alike[-1]] = replace(found[alike[-1]], parts=tuple(some))
        elif not wholes and not any(map(_has_a_word, some)):
            name = " + ".join(part.manual_name for part in some)
            found.append(Quantity(some[0].name, name, edge, some[0].value, total, parts=tuple(some)))
    return found


def _has_a_word(part: Quantity) -> bool:
    """Whether it is told from the others by a word: that may also be the name of something else."""
    return re.search(r"_[a-z]{2,}$", part.manual_name) is not None


def in_increments(link: Quantity, backward: Sequence[Made]) -> Quantity:
    """A gradient that was added up line by line, with what each line has added as its parts."""
    same = [
        made
        for made in backward
        if made.name == link.manual_name and made.value.shape == link.value.shape == link.manual.shape
    ]
    ends = [place for place, made in enumerate(same) if torch.equal(made.value.to(link.manual), link.manual)]
    if link.parts or not ends:
        return link
    steps = [made for made in same[: ends[0] + 1] if made.call == same[ends[0]].call]
    if len(steps) < 2 or len({(made.code, made.line) for made in steps}) < len(steps):  # a loop
        return link
    before = [torch.zeros_like(link.manual), *(made.value.to(link.manual) for made in steps)]
    parts = [
        replace(
            link, manual=after - ahead, place=place_of(made.code, made.line), label=f" of line {made.line}"
        )
        for ahead, after, made in zip(before, before[1:], steps, strict=False)
        if not torch.equal(after, ahead)
    ]
    return replace(link, parts=tuple(parts)) if len(parts) > 1 else link
