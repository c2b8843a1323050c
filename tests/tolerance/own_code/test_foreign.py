"""Whether a function calls foreign code is seen also where somebody else looks at its calls."""

import cProfile
import profile
import sys
from typing import Any

import numpy as np
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


def test_a_profiler_that_cannot_be_put_back_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nothing is seen."""
    monkeypatch.setattr(sys, "getprofile", object)
    monkeypatch.setattr(sys, "setprofile", lambda looking: pytest.fail("it was put away"))
    with looking_for_foreign_code() as found:
        torch.ones(3).numpy()
    assert not found.is_seen


def test_memory_that_is_brought_in_is_shared() -> None:
    """Where nothing was handed over, too; what torch makes of numbers is its own."""
    with looking_for_foreign_code() as found:
        torch.tensor([1.0, 2.0])
        assert not found.shares_memory
        torch.from_numpy(np.ones(2))
    assert found.shares_memory


def test_what_is_compiled_is_not_foreign() -> None:
    """Its compiler is not looked at, which takes long enough."""
    compiler = {"__name__": "torch._inductor.codecache", "getprofile": sys.getprofile}
    exec("def look():\n    len('')\n    return getprofile()", compiler)
    with looking_for_foreign_code() as found:
        torch.ones(3).numpy()
        assert found.is_seen
        assert compiler["look"]() is None
    assert not found.is_seen
    assert found.shares_memory
