"""Wrong backwards rebuilt in plain torch from public reports, each with its right twin.

By name, with the repository and the number of the report: (wrong, right, reference, inputs). The inputs are
ordinary ones; some of the mistakes show at them, others in another way of calling only.

| file | what it holds |
| --- | --- |
| attention | heads in groups, windows, alignments |
| kernels | masks, scales, strides and blocks of another call than the forward's |
| losses | upstream gradients that are left out, targets to be ignored |
| norms | gains without a gradient, sums over too few elements |
| options | what hides at 0, at 1, or where a mask is all true |
| others | memory, short sequences, segments, indices, random masks |
| sequences | groups and sequences without a member, parts of a batch |
| windows | windows and spectra of other lengths, no rotation |
"""

from collections.abc import Callable
from typing import Any

from catalogue.reports.attention import ATTENTION
from catalogue.reports.kernels import KERNELS
from catalogue.reports.losses import LOSSES
from catalogue.reports.norms import NORMS
from catalogue.reports.options import OPTIONS
from catalogue.reports.others import OTHERS
from catalogue.reports.sequences import SEQUENCES
from catalogue.reports.windows import WINDOWS

REPORTS: dict[str, tuple[Any, Any, Callable[..., Any], tuple[Any, ...]]] = {
    **ATTENTION,
    **KERNELS,
    **LOSSES,
    **NORMS,
    **OPTIONS,
    **OTHERS,
    **SEQUENCES,
    **WINDOWS,
}

__all__ = ["REPORTS"]
