"""What becomes of warnings, which all threads share; an import adds its own, and a check keeps some back."""

import sys
import warnings
from dataclasses import dataclass
from typing import Any

from torch_reference.judging.calls.quiet import is_unwarned


@dataclass(frozen=True, eq=False)
class Filters:
    """The filters; how many modules there were, and whether a check keeps warnings back, in any thread."""

    filters: tuple[Any, ...]
    modules: int
    is_ours: bool

    def __eq__(self, other: object) -> bool:
        """Whether nothing was set but by an import, or by a check."""
        if not isinstance(other, Filters):
            return NotImplemented
        is_known = self.is_ours or other.is_ours or self.modules != other.modules
        return is_known or self.filters == other.filters

    def __hash__(self) -> int:
        """Alike for all, as any two may be equal."""
        return 0


def filters() -> Filters:
    """Those of now."""
    return Filters(tuple(warnings.filters), len(sys.modules), is_unwarned())


def put_filters(was: Filters) -> None:
    """Let them be those again."""
    warnings.filters[:] = was.filters  # type: ignore[index]
    with warnings.catch_warnings():  # at whose end Python forgets what it has decided so far
        pass
