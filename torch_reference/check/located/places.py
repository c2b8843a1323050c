"""The lines that may have made the wrong links, and what one of them should have been."""

from collections.abc import Collection
from types import CodeType

from torch_reference.chain.quantity import Place
from torch_reference.chain.report import ChainReport
from torch_reference.chain.verdict import Status
from torch_reference.repair.confirmed import Right
from torch_reference.repair.screening import Wanted


def in_one_code(inside: ChainReport, tried: Collection[CodeType | None] = ()) -> list[list[Place]]:
    """For each wrong link a line of one code for all: its own, or that which handed on what a helper made.

    None of a code that was tried.
    """
    several = [
        [link.quantity.place, *link.quantity.callers]
        for link in inside.wrong
        if link.quantity.place is not None
    ]
    for code in [place.code for places in several for place in places if place]:
        found = [[place for place in places if place and place.code is code][:1] for places in several]
        if all(found) and code not in tried:
            return found
    return []


def what_is_right(inside: ChainReport, code: CodeType | None) -> Right:
    """The lines that made what is right, or surely follows from what is wrong, and nothing that is wrong.

    And the inputs, or parameters, whose gradients are right as they are returned.
    """
    doubtful = any(link.status is Status.NOT_JUDGED for link in inside.links)
    clear = (Status.RIGHT,) if doubtful else (Status.RIGHT, Status.INHERITED)
    places = [link.quantity.place for link in inside.links if link.status in clear]
    found = {place.line for place in places if place and place.code is code}
    lines = found - {link.quantity.place.line for link in inside.wrong if link.quantity.place}
    return Right(lines, {link.quantity.returned for link in inside.links if link.status is Status.RIGHT})


def suspect_places(inside: ChainReport) -> list[list[Place]]:
    """For each wrong link the lines that may have made it; links of one line count once."""
    places = {link.quantity.place: link.quantity for link in inside.wrong}
    if len(places) > 1:  # what is handed on in one return needs them all
        return [[place] if place else [] for place in places]
    return [
        _in_doubt([place, *quantity.handed_on], inside) if place else [] for place, quantity in places.items()
    ]


def _in_doubt(places: list[Place], inside: ChainReport) -> list[Place]:
    """Not those in a helper whose line has made something right as well: it was handed something wrong."""
    right = {
        (place.code, place.line)
        for link in inside.links
        if link.status is Status.RIGHT
        for place in (link.quantity.place, *link.quantity.handed_on)
        if place
    }
    callers = [place for place in places if place.code is not places[0].code]
    return callers if callers and (places[0].code, places[0].line) in right else places


def what_was_wanted(inside: ChainReport, code: CodeType | None) -> Wanted | None:
    """What the first of the wrong links should have been, given what is above it."""
    for link in inside.wrong:
        place, manual = link.quantity.place, link.quantity.manual
        if place and place.code is code and link.expected is not None and not manual.is_complex():
            scale = link.quantity.scale
            return Wanted(place.line, manual * scale, link.expected * scale)
    return None
