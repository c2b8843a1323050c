"""The reference: the lesson's network built from torch.nn, its gradient by autograd, and the comparison."""

from torch_reference._version import version
from torch_reference.chain import ChainReport, check_links
from torch_reference.check.asserting import (
    assert_agrees,
    assert_always_matches,
    assert_function_matches,
    assert_gradients_always_match,
    assert_gradients_match,
)
from torch_reference.check.derivation import check_derivation
from torch_reference.check.function import check_function
from torch_reference.check.modules import check_modules
from torch_reference.comparison import Row, Verdict, compare
from torch_reference.judging.report import Diagnosis, Finding, Report
from torch_reference.lesson.gradient import forward, gradients, intermediate_gradients, links
from torch_reference.lesson.network import (
    PARAMETERS,
    SOFTPLUS_THRESHOLD,
    LessonNetwork,
    from_parameters,
    to_parameters,
)
from torch_reference.lesson.rounding_bounds import bounds

__all__ = [
    "PARAMETERS",
    "SOFTPLUS_THRESHOLD",
    "ChainReport",
    "Diagnosis",
    "Finding",
    "LessonNetwork",
    "Report",
    "Row",
    "Verdict",
    "assert_agrees",
    "assert_always_matches",
    "assert_function_matches",
    "assert_gradients_always_match",
    "assert_gradients_match",
    "bounds",
    "check_derivation",
    "check_function",
    "check_links",
    "check_modules",
    "compare",
    "forward",
    "from_parameters",
    "gradients",
    "intermediate_gradients",
    "links",
    "to_parameters",
]

__version__ = version()


def __dir__() -> list[str]:
    """What this page lists, and not also every module that has been imported."""
    return [*__all__, "__version__"]
