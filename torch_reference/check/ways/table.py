"""Every way of calling by its name."""

from collections.abc import Callable, Collection, Iterator
from functools import partial

from torch_reference.check.ways import (
    kinds_of_inputs,
    order,
    points,
    sizes,
    threads,
    transforms,
    upstreams,
)
from torch_reference.check.ways.elsewhere import corners, dimensions, indices, lengths, numbers
from torch_reference.check.ways.elsewhere.options.changed import with_options
from torch_reference.check.ways.elsewhere.options.whole_numbers import at_whole_numbers
from torch_reference.check.ways.elsewhere.unwritten import unwritten
from torch_reference.check.ways.layouts import LAYOUTS, also_in_layout, in_layout
from torch_reference.check.ways.session import Attempt, Session
from torch_reference.judging.calls.similar_names import did_you_mean

Way = Callable[[Session], Iterator[Attempt]]

WAYS: dict[str, Way] = {
    **{
        name: partial(in_layout, layout, what) for name, (what, layout) in LAYOUTS.items() if name != "offset"
    },
    "zero upstream": upstreams.zero,
    "expanded upstream": upstreams.expanded,
    "missing upstream": upstreams.missing,
    "scaled upstream": upstreams.scaled,
    "each input alone": kinds_of_inputs.alone,
    "kinds of inputs": kinds_of_inputs.as_parameters,
    "one tensor twice": kinds_of_inputs.same_twice,
    "two forwards": order.two_forwards,
    "backward twice": order.backward_twice,
    "without grad": order.without_grad,
    "accumulated": order.accumulated,
    "changed afterwards": order.changed_afterwards,
    "unwritten memory": unwritten,
    "torch.func": transforms.under_torch_func,
    "vmap": transforms.batched,
    "jvp": transforms.forwards,
    "two threads": threads.in_threads,
    "redrawn": points.redrawn,
    "zeros": partial(also_in_layout, numbers.with_zeros, "transposed"),
    "zero rows": corners.at_zero_rows,
    "units": corners.at_units,
    "equal values": partial(also_in_layout, points.with_equals, "sliced rows"),
    "scales": partial(also_in_layout, points.with_scales, "sliced rows"),
    "signs": partial(also_in_layout, numbers.with_signs, "transposed"),
    "whole numbers": at_whole_numbers,
    "repeated indices": indices.with_repeated_indices,
    "negative indices": indices.with_negative_indices,
    "ignored indices": indices.with_ignored_targets,
    "masks": indices.with_masks,
    "options": with_options,
    "rows": sizes.with_rows,
    "columns": sizes.with_columns,
    "lengths": lengths.with_lengths,
    "dimensions": dimensions.with_one_more,
    "offset": partial(in_layout, LAYOUTS["offset"][1], LAYOUTS["offset"][0]),
}
"""In the order in which they are tried: those that share the given point first, and last what may end the use
of a GPU: a kernel that reads 16 bytes at once ends it where they do not begin at a multiple of 16."""

POINTS = (
    *("redrawn", "zeros", "zero rows", "units", "equal values", "scales", "signs", "whole numbers"),
    *(
        "repeated indices",
        "negative indices",
        "ignored indices",
        "masks",
        "options",
        "rows",
        "columns",
        "lengths",
        "dimensions",
    ),
)
"""The ways that go to other points."""

COSTLY = (
    *(
        "expanded upstream",
        "redrawn",
        "zeros",
        "zero rows",
        "units",
        "equal values",
        "scales",
        "signs",
        "whole numbers",
    ),
    *("options", "rows", "columns", "lengths", "dimensions"),
)
"""The ways whose points need bounds of their own: left out where many elements cannot be cut to few."""


def chosen_ways(names: Collection[str] | None, redraw: bool) -> dict[str, Way]:
    """The ways that are asked for; without redraw none that goes to another point.

    Errors: ValueError for a name that is none

    >>> list(chosen_ways(["transposed", "two threads"], redraw=True))
    ['transposed', 'two threads']
    """
    unknown = [name for name in names or () if name not in WAYS]
    if unknown:
        near = did_you_mean(str(unknown[0]), WAYS)
        told = f"found {unknown[0]!r}{'; ' if near else ''}{near}"
        raise ValueError(f"ways: expected some of {', '.join(WAYS)}, {told}")
    return {
        name: way
        for name, way in WAYS.items()
        if (names is None or name in names) and (redraw or name not in POINTS)
    }
