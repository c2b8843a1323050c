"""Hypothesis profiles, the run-time check of the shapes, and what the quick profile leaves out."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import jaxtyping
import pytest
from hypothesis import Phase
from jaxtyping import install_import_hook

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "dev")

# With CI's profile and the thorough one every shape annotation is checked in every call that a test makes.
# That takes as long as half of the suite, and a shape that is annotated wrongly can wait for CI. Of
# torch_reference the modules with shapes are named: checking the others' plain types as well made their tests
# six times slower. gradients.py is left out for its closures, which would be checked by code compiled anew in
# every call; the comparison checks the shape of what it returns.
WITH_SHAPES = ("rounding_bounds", "curvature", "network", "side_by_side", "training", "trajectory")
if PROFILE in ("ci", "thorough"):
    install_import_hook(
        ["manual_backprop", *(f"torch_reference.lesson.{module}" for module in WITH_SHAPES)],
        "beartype.beartype",
    )

MEDIUM_PAGES = ("docs/check.md",)
"""A page cannot carry a mark itself."""

LEFT_OUT = pytest.StashKey[str]()
"""Why the quick profile leaves a test out."""
REASONS = pytest.StashKey[dict[str, int]]()
"""Of how many tests a process says so."""

# The first torch call of a process takes half a second: a deadline would report a slow example instead of a
# wrong one. print_blob shows how to run a failure of another machine again.
hypothesis.settings.register_profile("dev", max_examples=25, deadline=None, print_blob=True)
hypothesis.settings.register_profile(
    "ci", max_examples=200, deadline=None, print_blob=True, derandomize=True, database=None
)
hypothesis.settings.register_profile("thorough", max_examples=2000, deadline=None, print_blob=True)
hypothesis.settings.register_profile(
    "mutation",
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
)
hypothesis.settings.load_profile(PROFILE)


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """The tensors of the tests are small: a second thread costs more than it brings."""
    import torch  # two seconds, which the process that hands the tests out need not wait for

    torch.set_num_threads(1)


@pytest.fixture
def as_a_user_runs_it() -> Iterator[None]:
    """Without the tests' own check of the annotations, which users do not have."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """One process for a run of single files, where starting torch again costs more than a core brings."""
    paths = [Path(argument.split("::")[0]) for argument in config.args]
    return 0 if all(path.is_file() for path in paths) else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what is left out, all from here: so the summary has one line for each reason, with a count."""
    if LEFT_OUT in item.stash:
        pytest.skip(item.stash[LEFT_OUT])


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand on what one of several processes has left out: each has collected the same."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left out"] = session.config.stash.get(REASONS, {})


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Keep it for the summary."""
    node.config.stash[REASONS] = getattr(node, "workeroutput", {}).get("left out", {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """A line for each reason, as those have that are skipped."""
    for reason, number in config.stash.get(REASONS, {}).items():
        terminalreporter.write_line(f"LEFT OUT [{number}] {reason}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out in the quick profile what is slow and most of a sampled table, unless asked for by -m.

    Where there are several processes it is not handed out: to skip two thousand would take them seconds.
    """
    _choose(config, items)
    if hasattr(config, "workeroutput"):
        config.stash[REASONS] = dict(
            Counter(each.stash[LEFT_OUT] for each in items if LEFT_OUT in each.stash)
        )
        items[:] = [item for item in items if LEFT_OUT not in item.stash]


def _choose(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(MEDIUM_PAGES):
            item.add_marker("medium")
    if PROFILE not in ("dev", "mutation") or config.getoption("-m"):
        return
    tables: dict[str, list[pytest.Item]] = {}
    for item in items:
        medium = item.get_closest_marker("medium")
        if "slow" in item.keywords:
            item.stash[LEFT_OUT] = "slow: pass -m slow, or set HYPOTHESIS_PROFILE=ci"
        elif medium and not medium.args:
            item.stash[LEFT_OUT] = reason = "a quarter of a second or more: pass -m medium"
            if item.nodeid.startswith(MEDIUM_PAGES):  # a page is not set up from here
                item.add_marker(pytest.mark.skip(reason=reason))
        elif medium or "sample" in item.keywords:
            tables.setdefault(item.nodeid.split("[")[0], []).append(item)
    for cases in tables.values():
        _leave_a_sample(cases)


def _leave_a_sample(cases: list[pytest.Item]) -> None:
    """Of a table of slow cases, as many as its mark says, from its beginning to its end."""
    [number] = next(mark.args for mark in cases[0].iter_markers() if mark.name in ("medium", "sample"))
    chosen = {round(k * (len(cases) - 1) / max(number - 1, 1)) for k in range(number)}
    for place, case in enumerate(cases):
        if place not in chosen:
            case.stash[LEFT_OUT] = "one of many: pass -m 'medium or sample'"
