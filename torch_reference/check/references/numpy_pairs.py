"""A pair in numpy that was given tensors: it is handed arrays where it does not do with them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from torch_reference.comparison import Verdict
from torch_reference.judging.calls.holders import mapped
from torch_reference.judging.calls.nests import is_judged
from torch_reference.judging.calls.really import is_tensor
from torch_reference.judging.report import Report

AS_ARRAYS = "its functions were handed numpy's arrays (x.numpy()): with tensors {}"
PRECISIONS = (torch.float32, torch.float64, torch.complex64, torch.complex128)


def better_in_numpy(
    function: Any,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    check: Callable[..., Report],
    report: Report,
) -> Report | None:
    """What the check finds of the pair with arrays for tensors, where that is right, or at least something.

    None where the report is not of a pair that tensors may have misled: numpy's own dot, var and others mean
    something else for tensors, or raise an error.
    """
    if report.agrees or not isinstance(function, tuple):
        return None
    tensors: list[Tensor] = []
    mapped(lambda leaf: tensors.append(leaf) if is_tensor(leaf) else None, (args, kwargs))
    may_be = all(map(_may_be_an_array, tensors))
    if not tensors or not may_be or not (_raises(report) or any(map(_is_in_numpy, function))):
        return None
    own, named = mapped(_as_array, (tuple(args), dict(kwargs)))
    found = check(*own, **named)
    does = found.agrees or _raises(report) or (_is_right_forward(found) and not _is_right_forward(report))
    # A forward that takes arrays alone is meant for them, whatever its backward then raises.
    if not does or (_raises(found) and not (_raises(report, "forward") and not _raises(found, "forward"))):
        return None
    told = AS_ARRAYS.format("they raise an error" if _raises(report) else "they make other numbers")
    return replace(found, remarks=(*found.remarks, told))


def _raises(report: Report, part: str = "") -> bool:
    """Whether anything raised an error, or this part of it did."""
    return any(
        finding.row.verdict is Verdict.RAISED and part in ("", finding.name) for finding in report.findings
    )


def _is_right_forward(report: Report) -> bool:
    """Whether what the forward pass returned is right: then it was called as it is meant."""
    return not any(finding.kind == "output" and not finding.agrees for finding in report.findings)


def _is_in_numpy(function: Callable[..., Any]) -> bool:
    """Whether it names numpy itself."""
    code, known = getattr(function, "__code__", None), getattr(function, "__globals__", {})
    return code is not None and any(known.get(name) is np for name in code.co_names)


def _may_be_an_array(value: Tensor) -> bool:
    kind = value.dtype
    is_of_numpy = kind in PRECISIONS or not (kind.is_floating_point or kind.is_complex)
    return value.is_cpu and is_judged(value) and not value.is_nested and is_of_numpy


def _as_array(leaf: Any) -> Any:
    return leaf.detach().resolve_conj().resolve_neg().numpy().copy() if is_tensor(leaf) else leaf
