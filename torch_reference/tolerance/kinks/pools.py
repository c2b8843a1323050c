"""A part of what reaches the first maximum pooling of a function in its backward pass: of one sign, or none.

Of a loss nothing upstream has a sign of its own: it is what reaches the pooling that has. The pooling nearest
to the inputs is the last of the backward pass; whatever does not pass it stays as it is.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from torch_reference.tolerance.rounding.operations import operation
from torch_reference.tolerance.rounding.uncompiled import Uncompiled

POOLS = {
    "max_pool2d_with_indices_backward",
    "max_pool3d_with_indices_backward",
    "adaptive_max_pool2d_backward",
    "adaptive_max_pool3d_backward",
    "fractional_max_pool2d_backward",
    "fractional_max_pool3d_backward",
}
Run = Callable[[], Mapping[str, Tensor]]


class _Part(Uncompiled):  # type: ignore[no-untyped-call] # torch leaves it untyped
    """Hand the pooling of that number a part of its upstream gradient; count them all."""

    def __init__(self, number: int, lowest: float, highest: float) -> None:
        super().__init__()
        self.number, self.lowest, self.highest, self.seen = number, lowest, highest, 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if operation(func).name in POOLS:
            if self.seen == self.number:
                args = (args[0].clamp(self.lowest, self.highest), *args[1:])
            self.seen += 1
        return func(*args, **(kwargs or {}))


def by_signs(above: Run, below: Run) -> Mapping[str, Tensor]:
    """The gradients above a kink of what reaches the pooling with a positive sign, below it of the rest.

    What does not pass it is in both, and is taken off once. Without a pooling, those above.
    """
    with _Part(-1, -torch.inf, torch.inf) as counted:
        plain = above()
    if not counted.seen:
        return plain

    def part(run: Run, lowest: float, highest: float) -> Mapping[str, Tensor]:
        with _Part(counted.seen - 1, lowest, highest):
            return run()

    positive, negative = part(above, 0.0, torch.inf), part(below, -torch.inf, 0.0)
    without = part(above, 0.0, 0.0)
    return {name: value + negative[name] - without[name] for name, value in positive.items()}
