"""Gradients of the loss itself, where a function multiplies them by its upstream gradient in the end.

Who returns a loss derives it as loss.backward() would, and is handed an upstream gradient of one: then
`return d_w * d_loss` is right, and d_w is no gradient of d_loss times the loss.
"""

from collections.abc import Callable
from dataclasses import replace

import torch

from torch_reference.chain.report import ChainReport
from torch_reference.chain.verdict import Judged, Status
from torch_reference.judging.scalar_objective import UPSTREAM, Tensors

CLEAR = (Status.RIGHT, Status.INHERITED)
OF_THE_LOSS = "judged for an upstream gradient of one"


def of_the_loss_or_as_given(
    links_at: Callable[[Tensors], ChainReport], point: Tensors
) -> tuple[ChainReport, Tensors]:
    """The links at the point, or for an upstream gradient of one if fewer are in doubt there; and where."""
    given = links_at(point)
    above = [name for name in point if name.startswith(UPSTREAM)]
    if len(above) != 1 or point[above[0]].ndim:
        return given, point
    if _in_doubt(given) < (1 if _right_ones(given) else 2):  # then nothing there could be told otherwise
        return given, point
    plain = {**point, above[0]: torch.ones_like(point[above[0]])}
    found = links_at(plain)
    if not found.wrong:
        return (given if _in_doubt(found) else _without_upstream(given, found)), point
    if _in_doubt(found) >= _in_doubt(given):
        return given, point
    return replace(found, note="; ".join(filter(None, [OF_THE_LOSS, found.note]))), plain


def _without_upstream(given: ChainReport, plain: ChainReport) -> ChainReport:
    """The links at the point, but for local variables, which are right, if some are returned right.

    Where all that is returned lacks the upstream gradient it may have been forgotten anywhere.
    """
    if not given.wrong or not _right_ones(given):
        return given
    local = [replace(one, status=Status.RIGHT) for one in plain.links if not one.quantity.returned]
    return replace(given, links=(*local, *map(_handed_on, _returned(given))), note=OF_THE_LOSS)


def _returned(report: ChainReport) -> list[Judged]:
    return [one for one in report.links if one.quantity.returned and not one.quantity.is_increment]


def _right_ones(report: ChainReport) -> list[Judged]:
    """What is returned right."""
    return [one for one in _returned(report) if one.status is Status.RIGHT]


def _handed_on(one: Judged) -> Judged:
    """A wrong one on the line that returned it, where the upstream gradient was to be its factor."""
    if one.status is Status.RIGHT:
        return one
    places = (one.quantity.place, *one.quantity.handed_on)
    return replace(one, status=Status.WRONG, quantity=replace(one.quantity, place=places[-1], parts=()))


def _in_doubt(report: ChainReport) -> int:
    return sum(link.status not in CLEAR for link in report.links)
