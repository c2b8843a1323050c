"""How much a reference rounds: the two numbers that the tolerance of sensitivity.py is made from."""

import math
from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


def longest_sum_and_operations(run: Callable[[], object]) -> tuple[int, int]:
    """The terms of the longest sum in one run, and the number of operations in it.

    Formula: a reduction of N elements to M sums N / M terms; a product of matrices (m, k) and (k, n) to
             (m, n) sums √(m k · k n / (m n)) = k terms
    """
    with _Counter() as counter:
        run()
    return counter.longest_sum, counter.operations


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call] # torch leaves it untyped
    """Look at the sizes of every operation's arguments and results."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.longest_sum = 1
        self.operations = 1

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the operation, and count."""
        results = func(*args, **(kwargs or {}))
        if any(result.alias_info is not None for result in func._schema.returns):
            return results
        sizes = sorted((value.numel() for value in _tensors(args)), reverse=True)
        results_size = min((value.numel() for value in _tensors((results,)) if value.numel()), default=0)
        if sizes and results_size:
            reduced = sizes[0] / results_size
            product = math.sqrt(sizes[0] * sizes[1] / results_size) if len(sizes) > 1 else 1.0
            is_product = "mm" in func.overloadpacket.__name__ or "conv" in func.overloadpacket.__name__
            terms = math.ceil(max(product, reduced) if is_product else reduced)
            self.longest_sum = max(self.longest_sum, terms)
        self.operations += 1
        return results


def _tensors(values: Any) -> list[Tensor]:
    if isinstance(values, Tensor):
        return [values]
    if isinstance(values, tuple | list):
        return [tensor for value in values for tensor in _tensors(value)]
    return []
