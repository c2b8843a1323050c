"""torch.compile of the derivations, where the profile's checks of the shapes cannot be compiled."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from manual_backprop import lesson

TESTS = Path(__file__).parents[1] / "test_what_kernels_cannot_take.py"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(lesson.forward, "__wrapped__"), reason="there they run as they are")
def test_they_are_compiled_without_the_checks_of_the_shapes() -> None:
    """In a process of its own, with the quick profile, which has none."""
    command = [sys.executable, "-m", "pytest", "-n0", "-q", "-m", "slow", "-k", "torch_compile", str(TESTS)]
    profile = {**os.environ, "HYPOTHESIS_PROFILE": "dev"}
    ended = subprocess.run(command, env=profile, capture_output=True, text=True, check=False)
    assert "2 passed" in ended.stdout, ended.stdout + ended.stderr
