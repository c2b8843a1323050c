"""Local gradients of n times the loss, where those of the parameters are divided by n in the end.

Courses write dZ = A − Y and dW = 1/m · dZ Aᵀ where the loss is a mean over m: no link is wrong by that.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from torch_reference.chain.graph import Graph
from torch_reference.chain.quantity import Quantity

CLOSE = 1e-4


def in_units_of_the_loss(
    links: Sequence[Quantity], graph: Graph, upstream: Sequence[Tensor]
) -> tuple[list[Quantity], int]:
    """The links, what is not returned divided by n if more of the chain follows from itself so; and n, or 1.

    n is a size of one of them, as the number of observations is; and one of them is n times autograd's.
    """
    local = [link for link in links if not link.returned]
    sizes = dict.fromkeys(size for link in local for size in (*link.value.shape, link.value.numel()))
    best, found = _follow(links, graph, upstream), (list(links), 1)
    for size in sorted(size for size in sizes if size > 1):
        scaled = [link if link.returned else _divided(link, size) for link in links]
        follow = _follow(scaled, graph, upstream)
        if follow > best and _is_right([link for link in scaled if not link.returned], graph, upstream):
            best, found = follow, (scaled, size)
    return found


def _divided(link: Quantity, size: int) -> Quantity:
    parts = tuple(_divided(part, size) for part in link.parts)
    return replace(link, manual=link.manual / size, parts=parts, scale=size)


def _follow(links: Sequence[Quantity], graph: Graph, upstream: Sequence[Tensor]) -> int:
    """How many follow from those above them, to half of their digits."""
    fitting = [link for link in links if link.manual.shape == link.value.shape]
    cuts = {link.edge: link.manual.double() for link in fitting}
    arrived = graph.gradients([value.double() for value in upstream], list(cuts), cuts)
    return sum(_alike(link.manual, arrived.get(link.edge)) for link in fitting)


def _is_right(links: Sequence[Quantity], graph: Graph, upstream: Sequence[Tensor]) -> bool:
    """Whether one of them is autograd's."""
    right = graph.gradients([value.double() for value in upstream], [link.edge for link in links], {})
    fitting = [link for link in links if link.manual.shape == link.value.shape]
    return any(_alike(link.manual, right.get(link.edge)) for link in fitting)


def _alike(manual: Tensor, right: Tensor | None) -> bool:
    if right is None:
        return False
    return bool(torch.linalg.vector_norm(manual - right) <= CLOSE * torch.linalg.vector_norm(right))
