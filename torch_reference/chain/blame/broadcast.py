"""The gradient of what was broadcast, before it is summed or reshaped: who does so later has made no mistake.

Of r with the shape (5, 1) in x · r, `dr = dy * x` has the shape (5, 3), and `dr.sum(1, keepdim=True)` that of
r. The first is right, and so is the link, if what follows from it is. If that is wrong, and no smaller, so
that nothing was summed on the way, the sum is missing. Dimensions of 1, more or less, are to blame only for
what gets a wrong shape by them.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from torch_reference.chain.graph import Edge
from torch_reference.chain.quantity import Quantity, is_squeezed, unfit
from torch_reference.chain.verdict import Chain, Judged, Status
from torch_reference.comparison import Row, Verdict, form_mismatch


def judged_in_any_shape(chain: Chain) -> list[Judged]:
    """All links from the loss backwards; what is summed or reshaped later is judged as it will be."""
    apart = [link for link in chain.links if _means_something_else(link, chain)]
    if apart:
        chain = replace(
            chain, links=tuple(link for link in chain.links if not any(link is one for one in apart))
        )
        return [*judged_in_any_shape(chain), *map(_not_judged, apart)]
    summed = {link.edge for link in chain.links if _summed(link) is not link}
    if not summed:
        return chain.judged()
    judged = _with_sums(chain, summed).judged()
    missing = _missing(judged, summed, chain)
    if missing:
        summed -= missing
        judged = _with_sums(chain, summed).judged()
    return [_said(one) if one.quantity.edge in summed else one for one in judged]


def _means_something_else(link: Quantity, chain: Chain) -> bool:
    """Whether it has more dimensions, by no sum, and what it would feed has the shape that it should have."""
    is_larger = link.manual.ndim > link.value.ndim and bool(unfit(link, ()))
    if link.returned or link.parts or not is_larger or _summed(link) is not link:
        return False
    below = chain.graph.fed_by(link.edge, [other.edge for other in chain.links])
    fed = [other for other in chain.links if other.edge in below and other.edge != link.edge]
    return bool(fed) and all(other.manual.shape == other.value.shape for other in fed)


def _not_judged(link: Quantity) -> Judged:
    row = form_mismatch(link.shown, link.manual, link.value) or Row(link.shown, Verdict.DIFFERS)
    reason = "has more dimensions, by no sum: it may mean something else"
    return Judged(link, Status.NOT_JUDGED, row, reason=reason)


def _with_sums(chain: Chain, at: Collection[Edge]) -> Chain:
    return replace(chain, links=tuple(_summed(link) if link.edge in at else link for link in chain.links))


def _summed(link: Quantity) -> Quantity:
    """The same link, its gradient in the shape of its value, where that is possible."""
    shape, manual = link.value.shape, link.manual
    if link.returned or link.parts or manual.shape == shape:
        return link
    if is_squeezed(manual, link.value):
        return replace(link, manual=manual.reshape(shape))
    try:
        return replace(link, manual=manual.sum_to_size(shape))
    except RuntimeError:
        return link


def _missing(judged: Sequence[Judged], summed: Collection[Edge], chain: Chain) -> set[Edge]:
    """Those whose sum is missing: what is directly fed by them is wrong, or has that very fault."""
    links = {link.edge: link for link in chain.links}
    edges = list(links)
    fed = {
        edge: {below for below in chain.graph.fed_by(edge, edges) if _may_blame(links[edge], links[below])}
        for edge in summed
    }
    wrong = {one.quantity.edge for one in judged if one.status is Status.WRONG}.difference(summed)
    missing: set[Edge] = set()
    while found := {edge for edge in fed if edge not in missing and fed[edge] & (wrong | missing)}:
        missing |= found
    return missing


def _may_blame(above: Quantity, below: Quantity) -> bool:
    """Whether what is wrong below may be so because of the shape above."""
    if is_squeezed(above.manual, above.value):
        return below.manual.shape != below.value.shape
    return below.manual.numel() >= above.manual.numel()


def _said(one: Judged) -> Judged:
    """A wrong one with what was judged of it."""
    return replace(one, reason="as it is summed, or reshaped, later") if one.status is Status.WRONG else one
