"""A large point cut to a few rows: where what is asked does not depend on how many there are.

Every element is judged at the whole point; other ways of calling, and what a mistake looks like, at a part.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace

import torch
from torch import Tensor

from torch_reference.check.as_given import AsGiven
from torch_reference.check.calling import Called, Function
from torch_reference.check.located import LocatedReport
from torch_reference.check.ways.elsewhere import parted
from torch_reference.comparison import Row, Verdict
from torch_reference.judging.calls.cuts import cuts, elements
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.function_objective import FunctionObjective
from torch_reference.judging.hygiene import copies
from torch_reference.judging.report import UNKNOWN, Finding, Report
from torch_reference.judging.scalar_objective import UPSTREAM, Tensors
from torch_reference.judging.upstream_gradients import drawn_upstream

FEW = 2**13
MOST_ROWS = 37
"""A number of rows that no block size divides."""
MOST_WHOLE = 2**19
"""Of more numbers nothing is told where no rows can be cut."""
LESS = 0.9
"""A cut that leaves more is none: images of few pixels have no variance, and a network its parameters."""


def few_rows(
    objective: FunctionObjective,
    point: Tensors,
    wanted: Sequence[str],
    seed: int,
    shown: Mapping[str, Sequence[int]] | None = None,
    function: Called | None = None,
) -> dict[str, Tensor] | None:
    """The point with few rows of its inputs and of its upstream gradients; None where none can be cut.

    Rows are the first dimension that may be cut: the reference is defined with few of them, the function
    takes them, and what is cut together has the same length. shown are indices, by names, of elements that
    are kept.
    """
    if objective.indexing is not None and objective.indexing.is_unchecked:
        return None
    inputs = {name: value for name, value in point.items() if not name.startswith(UPSTREAM)}
    whole, last, first_rows = inputs, max(value.ndim for value in inputs.values()), {}
    for dim in range(last):
        for names, dims in cuts(inputs, dim):
            if elements(inputs) <= FEW:
                break
            size = inputs[names[0]].shape[dim]
            kept = _kept(size, _rows(inputs, names, size), _wanted_rows(names, dim, shown))
            cut = {name: _taken(inputs[name], dims[name], kept) for name in names}
            cut = parted(inputs, {**inputs, **cut})
            if elements(cut) <= LESS * elements(inputs) and _is_defined(objective, function, cut, wanted):
                inputs = cut
                if dim == 0:
                    first_rows[size] = kept
                shown = _renumbered(shown, dims, kept)
    if inputs is whole:
        return None
    return {
        **inputs,
        **_upstream(objective.looked_at(inputs, wanted, resized=True)[0], point, first_rows, seed),
    }


def _rows(inputs: Tensors, names: Collection[str], size: int) -> int:
    here = sum(inputs[name].numel() for name in names)
    rest = elements(inputs) - here
    return max(2, min(MOST_ROWS, size - 1, (FEW - min(rest, FEW // 2)) * size // max(here, 1)))


def _wanted_rows(names: Collection[str], dim: int, shown: Mapping[str, Sequence[int]] | None) -> list[int]:
    return [index[dim] for name, index in (shown or {}).items() if name in names and len(index) > dim]


def _kept(size: int, rows: int, wanted: Sequence[int]) -> Tensor:
    others = (row for row in range(size) if row not in wanted)
    chosen = [*dict.fromkeys(wanted), *(next(others) for _ in range(max(rows - len(set(wanted)), 0)))]
    return torch.tensor(sorted(chosen), device="cpu")


def _taken(value: Tensor, dims: Sequence[int], kept: Tensor) -> Tensor:
    for dim in dims:
        value = value.index_select(dim, kept.to(value.device))
    return value


def _renumbered(
    shown: Mapping[str, Sequence[int]] | None, dims: Mapping[str, Sequence[int]], kept: Tensor
) -> dict[str, list[int]]:
    """Where the elements that are kept stand now."""
    places = {row: place for place, row in enumerate(kept.tolist())}
    return {
        name: [places.get(row, 0) if dim in dims.get(name, ()) else row for dim, row in enumerate(index)]
        for name, index in (shown or {}).items()
    }


def _is_defined(
    objective: FunctionObjective, function: Called | None, inputs: Tensors, wanted: Sequence[str]
) -> bool:
    try:
        outputs, depends = objective.looked_at(inputs, wanted, resized=True)
        if function is not None:
            function.outputs(copies(inputs), wanted)
    except UserCodeError:
        return False
    return depends and all(bool(value.isfinite().all()) for value in outputs.values())


def _upstream(
    outputs: Tensors, point: Tensors, first_rows: Mapping[int, Tensor], seed: int
) -> dict[str, Tensor]:
    """Upstream gradients of the shapes that the outputs have there: the parts of those that were given."""
    return {
        name: _part(point[name], value, first_rows) if name in point else value
        for name, value in drawn_upstream(outputs, seed).items()
    }


def _part(value: Tensor, like: Tensor, first_rows: Mapping[int, Tensor]) -> Tensor:
    if value.ndim != like.ndim:
        return like
    if value.ndim and len(first_rows.get(len(value), ())) == len(like):
        value = _taken(value, [0], first_rows[len(value)])
    return value[tuple(slice(length) for length in like.shape)].clone()


def told_on_few_rows(
    as_given: AsGiven, report: Report, point: Tensors, function: Function, seed: int
) -> Report:
    """The report on a large point, with what a few of its rows, the wrong ones among them, tell.

    Of a size that is written into it no rows can be cut: then all tell it, where they are not too many.
    """
    wrong = {each.name: each for each in report.findings if not each.agrees and not each.is_breach}
    shown = {name: each.row.index for name, each in wrong.items() if not each.row.part}
    asked = (as_given.objective, point, as_given.wanted, seed, shown)
    try:
        few = few_rows(*asked, as_given.function) if as_given.draws and wrong else None
    except UserCodeError:
        few = None
    if few is None and (not as_given.draws or elements(point) > MOST_WHOLE):
        return report
    few = few or dict(point)
    refuted = {name for name, each in wrong.items() if each.row.verdict is Verdict.DIFFERS}
    as_given = replace(as_given, refuted=refuted)
    here = as_given.located(as_given.check(few), few, function)
    told = {each.name: each for each in here.findings if not each.agrees}
    findings = tuple(told_of(each, told.get(each.name)) for each in report.findings)
    if isinstance(here, LocatedReport) and told:
        known = {field.name: getattr(report, field.name) for field in fields(report)}
        report = LocatedReport(**known, inside=here.inside, repairs=here.repairs)
    return replace(report, findings=findings)


def told_of(finding: Finding, few: Finding | None) -> Finding:
    """A wrong gradient with the diagnosis that few rows got; they may not show what is wrong."""
    if finding.agrees or finding.is_breach or finding.kind == "output":
        return finding
    if few is None or few.is_breach:
        return replace(finding, diagnosis=finding.diagnosis or UNKNOWN)
    if few.diagnosis and few.diagnosis.kind == "constant factor" and not _is_as_far_off(finding.row, few.row):
        few = replace(few, diagnosis=UNKNOWN)  # a factor that depends on the number of rows is none of them
    return replace(finding, diagnosis=finding.diagnosis or few.diagnosis, wrong=few.wrong)


def _is_as_far_off(one: Row, other: Row) -> bool:
    """Whether the two elements that are shown are off by the same factor, but for roundings of 16 bits."""
    factors = []
    for row in (one, other):
        if not isinstance(row.manual, float) or not isinstance(row.reference, float) or not row.reference:
            return True
        factors.append(row.manual / row.reference)
    return math.isclose(*factors, rel_tol=0.05)
