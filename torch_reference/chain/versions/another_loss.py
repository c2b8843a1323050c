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

    n is a size of one of them, as the number of observations is; and one of them is n times autograd's, or
    none of them is autograd's. What is returned under another name, times an upstream gradient of one, is
    returned.
    """
    returned = [(link.edge, link.manual) for link in links if link.returned]
    local = [
        link
        for link in links
        if not link.returned
        and not any(link.edge == edge and _alike(link.manual, by) for edge, by in returned)
    ]
    sizes = dict.fromkeys(size for link in local for size in (*link.value.shape, link.value.numel()))
    best, found = _follow(links, graph, upstream), (list(links), 1)
    none_is_right = not _is_right(local, graph, upstream)
    for size in sorted(size for size in sizes if size > 1):
        divided = {id(link): _divided(link, size) for link in local}
        scaled = [divided.get(id(link), link) for link in links]
        follow = _follow(scaled, graph, upstream)
        if follow > best and (none_is_right or _is_right(list(divided.values()), graph, upstream)):
            best, found = follow, (scaled, size)
    return found


def _divided(link: Quantity, size: int) -> Quantity:
    parts = tuple(_divided(part, size) for part in link.parts)
    return replace(link, manual=link.manual / size, parts=parts, scale=size)


def _follow(links: Sequence[Quantity], graph: Graph, upstream: Sequence[Tensor]) -> int:
    """How many follow from those above them, to half of their digits."""
    fitting = [link for link in links if _fits(link)]
    cuts = {link.edge: link.manual.double() for link in fitting}
    arrived = graph.gradients([value.double() for value in upstream], list(cuts), cuts)
    return sum(_alike(link.manual, arrived.get(link.edge)) for link in fitting)


def _is_right(links: Sequence[Quantity], graph: Graph, upstream: Sequence[Tensor]) -> bool:
    """Whether one of them is autograd's."""
    right = graph.gradients([value.double() for value in upstream], [link.edge for link in links], {})
    fitting = [link for link in links if _fits(link)]
    return any(_alike(link.manual, right.get(link.edge)) for link in fitting)


def _alike(manual: Tensor, right: Tensor | None) -> bool:
    if right is None or manual.shape != right.shape:
        return False
    return bool(torch.linalg.vector_norm(manual - right) <= CLOSE * torch.linalg.vector_norm(right))


def _fits(link: Quantity) -> bool:
    """Whether it may be a gradient of that value, in real numbers."""
    return link.manual.shape == link.value.shape and not link.manual.is_complex()
