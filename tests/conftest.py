"""Hypothesis profiles, the run-time check of the shapes, and the slow marker."""

import os
from pathlib import Path

import hypothesis
import pytest
import torch
from jaxtyping import install_import_hook

# Every shape annotation is checked in every call that a test makes. Of torch_reference the modules with
# shapes are named: checking the others' plain types as well made their tests six times slower.
WITH_SHAPES = ("bounds", "curvature", "gradients", "network", "side_by_side", "training", "trajectory")
install_import_hook(
    ["manual_backprop", *(f"torch_reference.{module}" for module in WITH_SHAPES)], "beartype.beartype"
)

# The first torch call of a process takes half a second: a deadline would report a slow example instead of a
# wrong one. print_blob shows how to run a failure of another machine again.
hypothesis.settings.register_profile("dev", max_examples=40, deadline=None, print_blob=True)
hypothesis.settings.register_profile(
    "ci", max_examples=200, deadline=None, print_blob=True, derandomize=True, database=None
)
hypothesis.settings.register_profile("thorough", max_examples=2000, deadline=None, print_blob=True)
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "dev")
hypothesis.settings.load_profile(PROFILE)

# The tensors of the tests are small: a second thread costs more than it brings.
torch.set_num_threads(1)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """One process for a run of single files, where starting torch again costs more than a core brings."""
    paths = [Path(argument.split("::")[0]) for argument in config.args]
    return 0 if all(path.is_file() for path in paths) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the slow tests in the quick profile, unless they are asked for by -m."""
    if PROFILE != "dev" or config.getoption("-m"):
        return
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="slow: set HYPOTHESIS_PROFILE=ci, or pass -m slow"))
