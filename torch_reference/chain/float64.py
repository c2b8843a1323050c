"""What the forward pass left for the backward pass, in float64, and moved as everything else is."""

from typing import Any

import torch
from torch import Tensor

from torch_reference.tolerance.rounding.uncompiled import Uncompiled

EXACT = {
    torch.float32: torch.float64,
    torch.float16: torch.float64,
    torch.bfloat16: torch.float64,
    torch.complex64: torch.complex128,
}


class SavedTensors(Uncompiled):  # type: ignore[no-untyped-call] # torch leaves it untyped
    """Take each tensor that no operation under this mode has made for a saved one, and multiply it by 1.

    Below a mode that moves the result of every operation, that product is moved, too, once for each saved
    tensor. If exact, all is computed in float64.
    """

    def __init__(self, exact: bool) -> None:
        """Begin with no tensor known."""
        super().__init__()
        self.exact = exact
        self.made: dict[int, tuple[Tensor, Tensor]] = {}  # both are kept, so that no id is given away

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation on what the saved tensors became."""
        kwargs = dict(kwargs or {})
        if self.exact and isinstance(kwargs.get("dtype"), torch.dtype):
            kwargs["dtype"] = EXACT.get(kwargs["dtype"], kwargs["dtype"])
        results = func(*self._ready(args), **{name: self._ready(value) for name, value in kwargs.items()})
        self._note(results)
        return results

    def _ready(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            if id(value) not in self.made:
                self.made[id(value)] = (value, self._moved(value))
            return self.made[id(value)][1]
        if isinstance(value, (tuple, list)):
            return type(value)(self._ready(item) for item in value)
        return value

    def _moved(self, value: Tensor) -> Tensor:
        if not (value.is_floating_point() or value.is_complex()):
            return value
        return (value.to(EXACT.get(value.dtype, value.dtype)) if self.exact else value) * 1

    def _note(self, results: Any) -> None:
        for result in results if isinstance(results, (tuple, list)) else (results,):
            if isinstance(result, Tensor):
                self.made[id(result)] = (result, result)
