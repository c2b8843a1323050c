"""Of the wrong links those that may be blamed, and for which line."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from torch_reference.chain.graph import Edge, Graph
from torch_reference.chain.verdict import Chain, Judged, Status
from torch_reference.diagnosis.likeness import likeness
from torch_reference.judging.headings import some

MOST = 3
"""So many names of what was not judged are told."""


def settled(one: Judged, chain: Chain) -> Judged:
    """A wrong gradient of one of several versions is surely wrong if it belongs to none of them."""
    if one.status is not Status.WRONG or one.quantity.sure:
        return one
    for edge in one.quantity.others:
        cuts = {cut: value for cut, value in one.cuts.items() if cut != one.quantity.edge}
        [expected] = chain.expected([replace(one.quantity, edge=edge)], cuts)
        if _alike(expected, one.quantity.manual):
            return one
    return replace(one, quantity=replace(one.quantity, sure=True))


def without_doubtful(judged: Sequence[Judged], chain: Chain) -> list[Judged]:
    """The links, of the wrong ones what they should be by none of what may mean something else."""
    doubtful = {one.quantity.edge for one in judged if one.status is Status.NOT_JUDGED}
    found = []
    for one in judged:
        if one.status is Status.WRONG and doubtful & set(one.cuts) and one.expected is not None:
            cuts = {edge: value for edge, value in one.cuts.items() if edge not in doubtful}
            [expected], [given] = chain.expected([one.quantity], cuts), chain.rows([one.quantity], cuts)
            manual, value = one.quantity.manual, one.quantity.value
            if one.diagnosis == likeness(manual, one.expected, value):  # none of the links' own
                one = replace(one, diagnosis=likeness(manual, expected, value))
            one = replace(one, cuts=cuts, expected=expected, given=given)
        found.append(one)
    return found


def confirmed(judged: Sequence[Judged], graph: Graph) -> list[Judged]:
    """Blame no local variable that may mean something else than its name says.

    A wrong link is one where something that is fed by it is right given it, or cannot be judged because of
    it, or that is returned. And where a name has several versions, it must be certain which one is meant.
    """
    found = []
    judged = _wrong_once(judged)
    right = [one.quantity for one in judged if one.status is Status.RIGHT and not one.reason]
    for one in judged:
        names = {other.manual_name for other in right if other.edge == one.quantity.edge}
        is_another = bool(names) and one.quantity.manual_name not in names and not one.quantity.is_increment
        if one.status is Status.WRONG and one.quantity.returned and is_another:
            # The right value is there, under another name: what is wrong is what was returned.
            place = one.quantity.handed_on[-1:] or (one.quantity.place,)
            one = replace(one, quantity=replace(one.quantity, place=place[-1]))
        if one.status is Status.WRONG and not one.quantity.returned and not _is_used(one, judged, graph):
            if one.quantity.name.endswith("()"):
                continue  # no name says that it is a gradient
            reason = "not autograd's, but nothing below is right given it"
            one = replace(one, status=Status.NOT_JUDGED, reason=reason)
        elif one.status is Status.WRONG and not one.quantity.sure:
            reason = "assigned more than once: which gradient belongs to which?"
            one = replace(one, status=Status.NOT_JUDGED, reason=reason)
        found.append(one)
    return [_or_above(_or_its_caller(one, found), found, graph) for one in found]


def _or_its_caller(one: Judged, judged: Sequence[Judged]) -> Judged:
    """A helper's line that has made of something else what follows from it was handed something wrong."""
    follows = [
        other
        for other in judged  # a sum of parts stands on the line of its last
        if other.status in (Status.RIGHT, Status.INHERITED) and not other.quantity.parts
    ]
    made_right = {other.quantity.place for other in follows if not other.compensates}
    place, callers = one.quantity.place, one.quantity.callers
    if one.status is not Status.WRONG or not callers or place not in made_right:
        return one
    return replace(one, quantity=replace(one.quantity, place=callers[0]))


def _wrong_once(judged: Sequence[Judged]) -> list[Judged]:
    """Of the versions of one gradient that are wrong by the same values, the first alone is wrong here.

    A helper that sums what was broadcast, or a line that reshapes it, makes a version of its own. What has
    the values of a sum of which a part is wrong is inherited, too.
    """
    found: list[Judged] = []
    for one in judged:
        of_parts = any(
            other.status is Status.INHERITED and other.quantity.parts and _is_the_same(other, one)
            for other in judged
        )
        before = one.status is Status.WRONG and (
            of_parts or any(_is_made_before(other, one) for other in found)
        )
        found.append(replace(one, status=Status.INHERITED, diagnosis=None) if before else one)
    return found


def _is_made_before(other: Judged, one: Judged) -> bool:
    """Whether another wrong one, a local variable that is surely meant, has its values."""
    known = other.quantity.sure and other.quantity.place is not None
    return other.status is Status.WRONG and known and _is_the_same(other, one)


def _is_the_same(other: Judged, one: Judged) -> bool:
    """Whether both are the same gradient of the same quantity, in two versions."""
    if other is one or other.quantity.edge != one.quantity.edge:
        return False
    return _alike(other.quantity.manual, one.quantity.manual)


def _alike(first: Tensor, then: Tensor) -> bool:
    """Whether they are equal to half of their digits."""
    if first.shape != then.shape:
        return False
    closeness = torch.finfo(then.dtype).eps ** 0.5
    return bool((first - then).norm() <= closeness * then.norm())


def _or_above(one: Judged, judged: Sequence[Judged], graph: Graph) -> Judged:
    """A wrong link with what may be wrong in its place: what it is fed by, and could not be judged."""
    if one.status is not Status.WRONG:
        return one
    above = [
        other.quantity.manual_name
        for other in judged
        if other.status is Status.NOT_JUDGED
        and one.quantity.edge in graph.fed_by(other.quantity.edge, [one.quantity.edge])
    ]
    told = f"or above, in what was not judged: {some(list(dict.fromkeys(above)), MOST)}"
    return replace(one, reason=told) if above else one


def _is_used(one: Judged, judged: Sequence[Judged], graph: Graph) -> bool:
    """Whether another link follows from it, or cannot be judged because of it; of a part, its whole."""
    own = one.quantity.manual
    whole = [other for other in judged if any(part.manual is own for part in other.quantity.parts)]
    if any(other.status is Status.INHERITED for other in whole):
        return True
    if any(_is_the_same(one, other) for other in judged):
        return True
    handed_on = one.cuts.get(one.quantity.edge)
    if handed_on is not None and not _alike(own.expand(handed_on.shape), handed_on):
        return False  # a later gradient of the same quantity was handed on in its place
    below = graph.fed_by(one.quantity.edge, [other.quantity.edge for other in judged])
    because = f"its upstream gradient {one.quantity.manual_name} "
    return any(
        _follows(other, one.quantity.edge, below)
        or (other.quantity.edge in below and other.reason.startswith(because))
        for other in judged
    )


def _follows(other: Judged, edge: Edge, below: Collection[Edge]) -> bool:
    """Whether it is inherited, and what is handed on at an edge has a part in that.

    A long link that is derived in one step follows from what is above what it passes over.
    """
    if other.status is not Status.INHERITED:
        return False
    return other.quantity.edge in below if other.follows_from is None else edge in other.follows_from
