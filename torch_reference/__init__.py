"""The reference: the lesson's network built from torch.nn, its gradient by autograd, and the comparison."""

from torch_reference.bounds import bounds
from torch_reference.compare import Row, Verdict, compare
from torch_reference.derivation import check_derivation
from torch_reference.function import check_function
from torch_reference.gradients import forward, gradients, intermediate_gradients, links
from torch_reference.network import (
    PARAMETERS,
    SOFTPLUS_THRESHOLD,
    LessonNetwork,
    from_parameters,
    to_parameters,
)
from torch_reference.report import Diagnosis, Finding, Report

__all__ = [
    "PARAMETERS",
    "SOFTPLUS_THRESHOLD",
    "Diagnosis",
    "Finding",
    "LessonNetwork",
    "Report",
    "Row",
    "Verdict",
    "bounds",
    "check_derivation",
    "check_function",
    "compare",
    "forward",
    "from_parameters",
    "gradients",
    "intermediate_gradients",
    "links",
    "to_parameters",
]
