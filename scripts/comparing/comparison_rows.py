"""What compare_gradients.py found: the worst of each derivative, what mpmath says of it, and its JSON."""

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from support.options import DTYPES
from torch_reference.comparison import Row


@dataclass(frozen=True)
class Finding:
    """The worst comparison of one derivative or link, and the network in which it was found."""

    row: Row
    kind: str
    case: int
    parameters: dict[str, float]
    inputs: list[float]
    observed: list[float]

    @property
    def title(self) -> str:
        """The derivative's full name, with the index of the observation for a link."""
        if self.kind == "parameter":
            return f"d_ssr_d_{self.row.name}"
        return f"{self.row.name}[{self.row.index[-1]}]"


def at_one_observation(
    rows: Sequence[Row],
    manual: Mapping[str, Tensor],
    reference: Mapping[str, Tensor],
    bounds: Mapping[str, Tensor],
) -> list[Row]:
    """The links' rows at one observation, so that the numbers belong together and can be multiplied.

    It is the worst one of the first wrong link, or the worst of all. A link that is wrong elsewhere only
    keeps its own worst observation, lest it seem to agree.

    Shapes: every tensor (1, n), of one network; each row's index is (0, observation)
    """
    index = next((row for row in rows if not row.agrees), max(rows, key=lambda row: row.ratio or 0.0)).index

    def there(row: Row) -> Row:
        values = [
            float(side[row.name].expand(manual[row.name].shape)[index])
            for side in (manual, reference, bounds)
        ]
        difference = abs(values[0] - values[1])
        ratio = 0.0 if difference == 0 else difference / values[2] if values[2] else math.inf
        if not row.agrees and not ratio > 1:
            return row
        numbers = {"manual": values[0], "reference": values[1], "difference": difference, "bound": values[2]}
        return replace(row, **numbers, ratio=ratio, index=index)

    return [there(row) for row in rows]


def truth(finding: Finding, options: argparse.Namespace) -> dict[str, object]:
    """What mpmath says of the worst element: the exact value, and each witness's error in roundings."""
    row = finding.row
    if not options.truth or row.manual is None or row.reference is None or row.bound is None:
        return {}
    from torch_reference.lesson.truth import (  # mpmath takes 0.2 s to import
        roundings,
        true_derivative,
        who_is_wrong,
    )

    exact = true_derivative(row.name, finding.parameters, finding.inputs, finding.observed)
    value = exact[0 if finding.kind == "parameter" else row.index[-1]]
    return {
        "exact": float(value),
        "manual_roundings": roundings(row.manual, value, DTYPES[options.dtype]),
        "reference_roundings": roundings(row.reference, value, DTYPES[options.dtype]),
        "wrong": who_is_wrong(row.manual, row.reference, value, row.bound),
    }


def document(findings: Sequence[Finding], agree: bool, options: argparse.Namespace) -> dict[str, object]:
    rows = []
    for finding in findings:
        row = finding.row
        entry: dict[str, object] = {"name": row.name, "kind": finding.kind}
        entry |= {"manual": row.manual, "reference": row.reference, "difference": row.difference}
        entry |= {"bound": row.bound, "agrees": row.agrees, "verdict": row.verdict.value}
        entry |= {"ratio": row.ratio, "index": list(row.index[1:]), **truth(finding, options)}
        if options.random is not None:
            entry |= {"case": finding.case, "parameters": finding.parameters}
            entry |= {"inputs": finding.inputs, "observed": finding.observed}
        rows.append({key: _finite(value) for key, value in entry.items()})
    cases = 1 if options.random is None or options.case is not None else options.random
    return {"dtype": options.dtype, "device": options.device, "cases": cases, "agree": agree, "rows": rows}


def _finite(value: object) -> object:
    """JSON has no NaN and no infinity: their names instead."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
