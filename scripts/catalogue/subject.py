"""What a case of the catalogue is made of.

A derivation is an ordered table of links, from the loss backwards; each link reads the values of the forward
pass and the links before it. A mistake is one link that is replaced: so it sits where the table says it does.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from torch import Tensor, nn

Values = dict[str, Tensor]
Link = Callable[[Values], Tensor]
Derivation = Callable[[Mapping[str, Tensor], Tensor, Tensor], dict[str, Tensor]]


class Subject(NamedTuple):
    """A network with its loss, its data, its forward pass by hand and its right derivation."""

    name: str
    make: Callable[[], tuple[nn.Module, Callable[[Any, Any], Tensor], Tensor, Tensor]]
    forward: Callable[[Mapping[str, Tensor], Tensor, Tensor], Values]
    links: Mapping[str, Link]


class Mistake(NamedTuple):
    """A wrong link: what it is, where it sits, the diagnosis that it deserves, and the link itself."""

    what: str
    where: str
    kind: str
    link: Link


class Case(NamedTuple):
    """A derivation to be checked; kind and where are empty for one that is right."""

    name: str
    network: tuple[nn.Module, Callable[[Any, Any], Tensor], Tensor, Tensor]
    derivation: Derivation
    where: str = ""
    kind: str = ""


def derivation(subject: Subject, replaced: Mapping[str, Link] | None = None) -> Derivation:
    """The subject's derivation, with some of its links replaced."""

    def gradients(parameters: Mapping[str, Tensor], inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        values = {**subject.forward(parameters, inputs, targets)}
        values |= {f"parameter {name}": value for name, value in parameters.items()}
        for name, link in {**subject.links, **(replaced or {})}.items():
            values[name] = link(values)
        return {name: values[name] for name in subject.links}

    return gradients


def planted(subject: Subject, mistakes: Iterable[Mistake]) -> Iterable[Case]:
    """One case for each mistake."""
    for mistake in mistakes:
        replaced = derivation(subject, {mistake.where: mistake.link})
        name = f"{subject.name}, {mistake.where}: {mistake.what}"
        yield Case(name, subject.make(), replaced, mistake.where, mistake.kind)
