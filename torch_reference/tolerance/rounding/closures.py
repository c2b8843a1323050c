"""The numbers of a closure, which stay as coarse as they are where a point is made exact.

Most of torch's operations take them so, or are given them in float64 where they are dispatched. Some look at
dtypes before that: a convolution at its bias, attention at its keys, nn.LSTM at its weights.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_iter, tree_map

from torch_reference.tolerance.rounding.exact_run import widened

ANOTHER_DEVICE = "xla"
"""nn.LSTM does not look at dtypes where anything is autocast; on this device nothing is computed here."""


class InOneDtype(TorchFunctionMode):
    """Give a function float64 throughout, where it takes numbers of one dtype only, while it is entered.

    >>> weight = torch.eye(3)
    >>> with InOneDtype():
    ...     torch.tensordot(torch.ones(3, dtype=torch.float64), weight, 1).dtype
    torch.float64
    """

    def __enter__(self) -> Any:
        """Begin."""
        self.before = torch.is_autocast_enabled(ANOTHER_DEVICE)
        torch.set_autocast_enabled(ANOTHER_DEVICE, True)
        return super().__enter__()  # type: ignore[no-untyped-call] # torch leaves it untyped

    def __exit__(self, *error: Any) -> None:
        """Put everything back."""
        super().__exit__(*error)  # type: ignore[no-untyped-call] # torch leaves it untyped
        torch.set_autocast_enabled(ANOTHER_DEVICE, self.before)

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run a function, and again on what is made wider where it refuses a mixture."""
        named = dict(kwargs or {})
        try:
            return func(*args, **named)
        except RuntimeError:
            writes = named.get("out") is not None or getattr(func, "__name__", "_").endswith("_")
            if writes or len({leaf.dtype for leaf in tree_iter((args, named)) if _is_inexact(leaf)}) < 2:
                raise
        args, named = tree_map(widened, (tuple(args), named))
        return func(*args, **named)


def _is_inexact(leaf: Any) -> bool:
    return isinstance(leaf, Tensor) and (leaf.is_floating_point() or leaf.is_complex())
