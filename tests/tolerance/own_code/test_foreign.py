"""Whether a function calls foreign code is seen also where somebody else looks at its calls."""

import cProfile
import profile
from typing import Any

import pytest
import torch

from torch_reference.tolerance.own_code.foreign import looking_for_foreign_code


@pytest.mark.parametrize("profiler", [cProfile.Profile, profile.Profile])
def test_foreign_code_is_seen_beside_a_profiler(profiler: Any) -> None:
    """Which goes on afterwards."""

    def looked() -> bool:
        with looking_for_foreign_code() as found:
            torch.ones(3).numpy()
        torch.ones(3).sin()
        return found.is_seen

    own = profiler()
    assert own.runcall(looked)
    own.create_stats()
    assert any("sin" in name for _, _, name in own.stats)
