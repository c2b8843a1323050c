"""The same values in other memory: strides, offsets, gaps, and views that negate or conjugate."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from torch_reference.check.ways.session import Attempt, Session
from torch_reference.judging.calls.cuts import elements
from torch_reference.judging.calls.holders import tensors_mapped
from torch_reference.judging.function_objective import FunctionObjective
from torch_reference.judging.scalar_objective import UPSTREAM
from torch_reference.layers.drawn_numbers import DrawnNumbers

Layout = Callable[[Tensor], Tensor | None]
"""The values in another layout; None where they have none such."""
FEW = 2**10
"""Of no more numbers than these special ones are tried in another layout, too."""
ALIGNED = 16
"""So many numbers of any precision begin where a GPU reads several at once."""


def in_layout(layout: Layout, what: str, session: Session) -> Iterator[Attempt]:
    """The inputs alone in that layout, then the upstream gradients alone."""
    for part, is_part in (("inputs", _is_input), ("upstream gradients", _is_upstream)):

        def laid_out(name: str, value: Any, is_part: Callable[[str], bool] = is_part) -> Any:
            return _or_itself(layout, value) if is_part(name) else value

        tensors = [value for name, value in session.tensors(session.point).items() if is_part(name)]
        if any(value.numel() and layout(value) is not None for value in tensors):
            call = partial(session.differentiated, session.point, layout=laid_out)
            # Of views with a bit set numpy and many kernels say that they take none.
            is_bit = layout in (negative, conjugate)
            # Which inputs it takes a function may say; its upstream gradients come as they come.
            may_guard = part == "inputs"
            # Random numbers like an input are drawn in the order of its memory: by the reference, too.
            like = _of_layout(session, layout) if may_guard and session.draws_numbers else None
            # What torch.compile makes reads past a bit, and nobody who called it can mend that.
            warns = is_bit and session.foreign.is_compiled
            told = f"with {what} {part}"
            may_refuse = is_bit and not warns
            yield Attempt(told, session.point, call, like, may_refuse, warns=warns, may_guard=may_guard)


def also_in_layout(
    way: Callable[[Session], Iterator[Attempt]], name: str, session: Session
) -> Iterator[Attempt]:
    """The attempts of a way, and the first of few numbers in a layout, too.

    What takes another path there may know no zeros.
    """
    first: Attempt | None = None
    for attempt in way(session):
        first = first or attempt
        yield attempt
    if first is None or elements(first.point) > FEW:
        return
    what, layout = LAYOUTS[name]
    there = replace(session, point=first.point)
    for attempt in islice(in_layout(layout, what, there), 1):
        what = f"{first.what}, {attempt.what}"
        yield first._replace(
            what=what, call=attempt.call, objective=attempt.objective, may_guard=True, also_in=name
        )


def _of_layout(session: Session, layout: Layout) -> FunctionObjective:
    """The reference of inputs in that layout."""
    function = session.objective.function

    def of_layout(*args: Any, **kwargs: Any) -> Any:
        own, named = tensors_mapped(lambda value: _or_itself(layout, value), (args, kwargs))
        return function(*own, **named)

    return replace(session.objective, function=of_layout, numbers=DrawnNumbers(session.inputs))


def _or_itself(layout: Layout, value: Tensor) -> Tensor:
    found = layout(value)
    return value if found is None else found


def spread(value: Tensor) -> Tensor | None:
    """Every second element of the memory, with NaN between them."""
    if value.ndim == 0:
        return None
    spread = value.new_zeros((*value.shape, 2))
    if value.is_floating_point():
        spread[..., 1] = torch.nan
    spread[..., 0] = value
    return spread[..., 0]


def transposed(value: Tensor) -> Tensor | None:
    """Columns one after another."""
    return value.mT.contiguous().mT if value.ndim > 1 else None


def channels_last(value: Tensor) -> Tensor | None:
    """The memory format of images, and that of volumes."""
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    return value.contiguous(memory_format=formats[value.ndim]) if value.ndim in formats else None


def sliced(value: Tensor) -> Tensor | None:
    """Columns of a wider tensor: neighbours are near, rows are apart."""
    if value.ndim < 2:
        return None
    wide = value.new_zeros((*value.shape[:-1], value.shape[-1] + _gap(value)))
    wide[..., : value.shape[-1]] = value
    return wide[..., : value.shape[-1]]


def _gap(value: Tensor) -> int:
    """So many numbers are left out: on a GPU as many as keep what follows aligned.

    Elsewhere a kernel that reads several numbers at once ends the use of the GPU: what is loud hides nothing,
    and would harm all that the process has yet to do.
    """
    return 3 if value.is_cpu else ALIGNED


def offset(value: Tensor) -> Tensor | None:
    """A tensor that does not begin where its memory does."""
    before = _gap(value)
    memory = value.new_zeros(value.numel() + before)
    memory[before:] = value.flatten()
    return memory[before:].view(value.shape)


def negative(value: Tensor) -> Tensor | None:
    """A view whose numbers are negated when they are read, as the imaginary part of a conjugate is."""
    if value.dtype not in (torch.float32, torch.float64):
        return None
    return torch.complex(torch.zeros_like(value), -value).conj().imag


def conjugate(value: Tensor) -> Tensor | None:
    """A view whose numbers are conjugated when they are read."""
    return value.conj().resolve_conj().conj() if value.is_complex() else None


def _is_input(name: str) -> bool:
    return not name.startswith(UPSTREAM)


def _is_upstream(name: str) -> bool:
    return name.startswith(UPSTREAM)


LAYOUTS: dict[str, tuple[str, Layout]] = {
    "spread": ("non-contiguous", spread),
    "transposed": ("transposed", transposed),
    "channels last": ("channels-last", channels_last),
    "sliced rows": ("row-sliced", sliced),
    "offset": ("offset", offset),
    "negative views": ("negative views as", negative),
    "conjugate views": ("conjugate views as", conjugate),
}
