"""What differs by its formula alone, in 16 bits, is looked for in float64: no link and no edit shows it else.

Every link of 16 bits is within what rounding explains, the wrong one too, and so is what an edit makes that
changes nothing.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

from torch_reference.chain.report import ChainReport
from torch_reference.judging.derivation_task import Task
from torch_reference.judging.function_objective import FunctionObjective
from torch_reference.judging.report import Report
from torch_reference.judging.scalar_objective import Tensors
from torch_reference.tolerance.own_code.own_formula import OTHERWISE
from torch_reference.tolerance.rounding.exact_run import WIDE, ExactRun, widened_inputs

IN_FLOAT64 = "judged with all operations in float64"


def differs_by_its_formula(report: Report) -> bool:
    """Whether a gradient does."""
    return any(finding.row.explanation == OTHERWISE for finding in report.findings)


def links_in_float64(links: Callable[..., ChainReport], *given: Any) -> ChainReport | None:
    """The links where all of the code runs in float64; None where nothing is wrong of them there.

    A constant in float32 is no other formula.

    Shapes: links takes what is given, a model or nested tensors, and the precision of the code
    """
    try:
        wide = [_wide(each) for each in given]
        with ExactRun():
            found = links(*wide, torch.float32)
    except Exception:  # a model that holds what cannot be copied
        return None
    return replace(found, note="; ".join(filter(None, [IN_FLOAT64, found.note]))) if found.wrong else None


def task_in_float64(task: Task) -> Task:
    """The same task where the derivation and the reference run in float64."""

    def derivation(values: Tensors) -> Mapping[str, Tensor | None]:
        with ExactRun():
            return task.derivation(values)

    objective = task.objective
    if isinstance(objective, FunctionObjective):
        objective = replace(objective, function=_exactly(objective.function))
    return replace(task, derivation=derivation, objective=objective, point=widened_inputs(dict(task.point)))


def _wide(given: Any) -> Any:
    if isinstance(given, nn.Module):
        return copy.deepcopy(given).double()
    return tree_map_only(Tensor, lambda value: value.detach().to(WIDE.get(value.dtype, value.dtype)), given)


def _exactly(function: Callable[..., Any]) -> Callable[..., Any]:
    def exactly(*args: Any, **kwargs: Any) -> Any:
        with ExactRun():
            return function(*args, **kwargs)

    return exactly
