"""Arrays that a derivation makes of the tensors that it is given."""

from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

from torch_reference.chain.arrays.graph_array import GraphArray


class ArraysKeepGraphs(TorchFunctionMode):
    """While it is entered, what x.numpy() makes of a tensor with a graph keeps it."""

    def __torch_function__(self, function: Any, _types: Any, args: Any = (), named: Any = None) -> Any:
        """x.numpy(), and x.detach() on the way to it."""
        if function in (Tensor.numpy, Tensor.detach) and args[0].requires_grad:
            return GraphArray(args[0]) if function is Tensor.numpy else args[0]
        return function(*args, **(named or {}))
