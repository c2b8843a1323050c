"""Two variables that are named like the gradient of one tensor: which of them is it?

With `h = hn` at the end of a round, dhn and dh both are, by their names; but `dh = dhn * mask` is that of
what the mask was put on, whatever that is called.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from torch_reference.chain.blame.broadcast import judged_in_any_shape
from torch_reference.chain.quantity import Quantity
from torch_reference.chain.verdict import Chain, Judged, Status

CONSISTENT = (Status.RIGHT, Status.INHERITED)


def judged_by_name(chain: Chain) -> list[Judged]:
    """All links; no wrong one that is no gradient of its tensor at all.

    It is none where a variable of another name is what this should be, and nothing else becomes wrong if all
    that follows from it is to follow from that.
    """
    found = judged_in_any_shape(chain)
    odd = {_key(one.quantity) for one in found if _is_beside_a_consistent_one(one, found)}
    if not odd:
        return found
    links = tuple(link for link in chain.links if _key(link) not in odd)
    rest = {_key(one.quantity): one for one in judged_in_any_shape(replace(chain, links=links))}
    if _wrong(rest.values()) > _wrong(found) - len(odd):
        return found
    reason = "another variable is the gradient of this"
    return [
        rest.get(_key(one.quantity)) or replace(one, status=Status.NOT_JUDGED, diagnosis=None, reason=reason)
        for one in found
    ]


def _key(link: Quantity) -> tuple[object, ...]:
    return link.edge, link.manual_name, link.label, link.returned


def _wrong(judged: Iterable[Judged]) -> int:
    return sum(one.status is Status.WRONG for one in judged)


def _is_beside_a_consistent_one(one: Judged, judged: Sequence[Judged]) -> bool:
    """Whether it is wrong, and a variable of another name is right, or inherited, as the same gradient."""
    if one.status is not Status.WRONG or one.quantity.returned:
        return False
    return any(
        other.quantity.edge == one.quantity.edge
        and other.quantity.manual_name != one.quantity.manual_name
        and other.status in CONSISTENT
        for other in judged
    )
