"""A compiled function is judged as it was compiled, in every way of calling, and seen as it was written."""

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import _get_current_dispatch_mode

from torch_reference import check_function

draws = torch.Generator().manual_seed(0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # dynamo reads it of every input
def test_no_call_of_a_compiled_function_runs_as_it_was_written() -> None:
    """Torch compiles it anew for each layout, and at 8 gives up without a word: the check raises that limit.

    Where the check looks at single operations, nothing is compiled: dynamo would trace the check itself.
    """
    seen = []

    def doubled(x: Tensor) -> Tensor:
        if not torch.compiler.is_compiling():
            seen.append(type(_get_current_dispatch_mode()).__name__)
        return x * 2

    torch.compiler.reset()
    try:
        compiled = torch.compile(doubled, backend="eager", dynamic=False)
        report = check_function(compiled, compiled, torch.randn(3, 4, 2, 2, generator=draws))
        assert report.agrees, str(report)
    finally:
        torch.compiler.reset()
    assert set(seen) == {"ExactRun", "Indexing", "MovedRun"}
