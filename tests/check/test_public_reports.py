"""Wrong backwards rebuilt from public reports are refused, and none of their right twins is."""

from collections.abc import Callable
from typing import Any

import pytest

from catalogue.reports import REPORTS
from torch_reference import check_function


@pytest.mark.sample(3)
@pytest.mark.parametrize(("wrong", "right", "reference", "inputs"), REPORTS.values(), ids=REPORTS)
def test_what_was_reported_is_refused(
    wrong: Any, right: Any, reference: Callable[..., Any], inputs: tuple[Any, ...]
) -> None:
    """As it is given, or in one of the ways in which a training calls."""
    assert not check_function(wrong, reference, *inputs, order=1, draws=0)


@pytest.mark.sample(2)
@pytest.mark.parametrize(("wrong", "right", "reference", "inputs"), REPORTS.values(), ids=REPORTS)
def test_its_right_twin_agrees(
    wrong: Any, right: Any, reference: Callable[..., Any], inputs: tuple[Any, ...]
) -> None:
    """In all ways."""
    report = check_function(right, reference, *inputs, order=1)
    assert report, str(report)
