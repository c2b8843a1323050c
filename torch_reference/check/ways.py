"""The ways in which a function's backward is called."""

from typing import NamedTuple

from torch import Tensor

from torch_reference.judging.scalar_objective import UPSTREAM, Tensors


class Way(NamedTuple):
    """One way in which a backward may be called: the point, and the inputs whose gradients are asked for."""

    what: str
    point: Tensors
    wanted: tuple[str, ...]


def all_ways(point: Tensors, wanted: tuple[str, ...], is_pair: bool) -> list[Way]:
    """Every way, the ordinary one first."""
    apart = {name: _non_contiguous(value) for name, value in point.items()}
    expanded = {
        name: value.flatten()[:1].sum().expand(value.shape) if name.startswith(UPSTREAM) else value
        for name, value in point.items()
    }
    ways = [
        Way("", point, wanted),
        Way("with non-contiguous tensors", apart, wanted),
        Way("with an expanded upstream gradient", expanded, wanted),
    ]
    if not is_pair and len(wanted) > 1:
        ways += [Way(f"when only {name} requires a gradient", point, (name,)) for name in wanted]
    return ways


def _non_contiguous(value: Tensor) -> Tensor:
    """The same values, with every second element of the memory between them."""
    if value.ndim == 0:
        return value
    spread = value.new_zeros((*value.shape, 2))
    spread[..., 0] = value
    return spread[..., 0]
