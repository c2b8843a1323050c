"""What an end in the middle of anything leaves as it was just then: torch's modes, its compiler's stance.

An exception that another thread sends may arrive inside of an __enter__, or of an __exit__, whose rest never
runs: nothing would be compiled any more, to the end of the process.
"""

import sys
from typing import Any, NamedTuple

import torch


class Surroundings(NamedTuple):
    """Whether torch records gradients, how many modes are around, and whether its compiler compiles."""

    records: bool
    dispatch_modes: int
    function_modes: int
    stance: Any

    @classmethod
    def now(cls) -> "Surroundings":
        """As they are."""
        return cls(
            torch.is_grad_enabled(),
            torch._C._len_torch_dispatch_stack(),
            torch._C._len_torch_function_stack(),
            getattr(_dynamo(), "_stance", None),
        )

    def put_back(self) -> None:
        """What has been entered since is left."""
        while torch._C._len_torch_dispatch_stack() > self.dispatch_modes:
            torch._C._pop_torch_dispatch_stack(None)
        while torch._C._len_torch_function_stack() > self.function_modes:
            torch._C._pop_torch_function_stack()
        torch.set_grad_enabled(self.records)
        dynamo = _dynamo()
        if dynamo is not None:
            dynamo._stance = dynamo.DynamoStance() if self.stance is None else self.stance


def _dynamo() -> Any:
    """Torch's compiler, where something has loaded it."""
    return sys.modules.get("torch._dynamo.eval_frame")
