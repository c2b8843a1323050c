"""What a run over large data found, for its table and its JSON."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from manual_backprop.lesson.descent import History


@dataclass(frozen=True)
class Result:
    """What a run found; the gradient is that of the history's first point."""

    observations: int
    rate: float
    history: History
    seconds: float  # from the first observation to the last step
    autograd: Mapping[str, float]  # empty without --check, as are the bounds
    bounds: Mapping[str, float]

    @property
    def manual(self) -> dict[str, float]:
        """The SSR and its derivatives at the start."""
        derivatives = {name: value[0].item() for name, value in self.history.derivatives.items()}
        return {"ssr": self.history.ssr[0].item(), **derivatives}

    @property
    def agrees(self) -> bool:
        """Whether autograd found the same to within the bounds; NaN agrees with nothing."""
        return all(
            abs(self.manual[name] - value) <= self.bounds[name] for name, value in self.autograd.items()
        )


def check_overflow(result: Result, source: str) -> None:
    """Raise ValueError where a number at the start is none: an infinity compares with nothing."""
    found = {**result.manual, **{f"the bound of {name}": bound for name, bound in result.bounds.items()}}
    for name, value in found.items():
        if not math.isfinite(value):
            what = name if name == "ssr" or name.startswith("the bound") else f"the derivative by {name}"
            raise ValueError(f"{source}: {what} at the start overflows float64 on these data and parameters")
