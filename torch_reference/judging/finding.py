"""One thing that a check found: a gradient or an output beside the reference's, or a rule that was broken."""

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from torch_reference.comparison import Row, Verdict


@dataclass(frozen=True)
class Diagnosis:
    """What kind of mistake a wrong gradient looks like, in one plain sentence, and how to mend it."""

    kind: str
    sentence: str
    mend: str


RULES = (Verdict.MUTATED, Verdict.OVERWRITTEN, Verdict.ALIASED, Verdict.UNSTABLE, Verdict.REQUIRES_GRAD)
"""What a derivation must not do, whatever its numbers are."""
BREACHES = (*RULES, Verdict.EXTRA, Verdict.RAISED, Verdict.NOTHING)
"""What is found without a comparison."""

UNDECIDED = (Verdict.INCONCLUSIVE, Verdict.NO_BOUND)
"""What is no agreement, and of which nothing is known to be wrong."""

UNKNOWN = Diagnosis(
    "unknown",
    "It looks like none of the mistakes that are known here, or not the same in every draw.",
    "Compare the element shown with your formula, and return the gradients of the intermediates too.",
)


@dataclass(frozen=True)
class Finding:
    """One gradient, or one breach of the rules, and what is known of it.

    kind is "parameter", "input", "link" (a submodule's output) or "output"; inherited says that nothing is
    known to be wrong with it but its upstream gradient: given that it is right, or cannot be judged.
    """

    name: str
    kind: str
    row: Row
    inherited: bool = False
    roundings: float | None = None
    diagnosis: Diagnosis | None = None
    wrong: str = ""
    witness: str = ""
    """Who says so, where it is not the usual third witness."""

    @property
    def agrees(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.row.agrees

    @property
    def is_breach(self) -> bool:
        """Whether it is a rule that was broken, or an error, and no comparison."""
        return self.row.verdict in BREACHES

    @property
    def starts_here(self) -> bool:
        """Whether the mistake is in this link itself."""
        return not self.agrees and not self.inherited and not self.is_undecided

    @property
    def is_undecided(self) -> bool:
        """Whether nothing is known of it, for better or worse."""
        return self.row.verdict in UNDECIDED

    def to_dict(self) -> dict[str, object]:
        """Everything, for machines."""
        facts = {"name": self.name, "kind": self.kind, "agrees": self.agrees, "inherited": self.inherited}
        row = asdict(self.row) | {"verdict": self.row.verdict.value, "index": list(self.row.index)}
        diagnosis = asdict(self.diagnosis) if self.diagnosis else None
        found = {"roundings": self.roundings, "diagnosis": diagnosis, "wrong": self.wrong}
        found["witness"] = self.witness
        return {key: _finite(value) for key, value in (row | facts | found).items()}


def breach(name: str, kind: str, verdict: Verdict, explanation: str) -> Finding:
    """A finding that rests on no number."""
    return Finding(name, kind, Row(name, verdict, explanation=explanation))


def _finite(value: object) -> object:
    """JSON has no NaN, no infinity and no complex number: what Python calls them instead."""
    is_strange = isinstance(value, complex) or (isinstance(value, float) and not math.isfinite(value))
    return str(value) if is_strange else value


UNTOLD = (Verdict.INCONCLUSIVE, Verdict.LOSES_DIGITS, Verdict.NO_BOUND)
"""What says nothing against a function at a point that it was not given."""


def says_too_little(row: Row, made: Tensor) -> bool:
    """Whether a row knows of nothing wrong: at odd points a tolerance may be blunt, or that of a sum tiny."""
    if row.verdict in UNTOLD:
        return True
    if row.difference is not None and abs(row.difference) <= torch.finfo(made.dtype).tiny:
        return True  # what is subnormal may be flushed to zero
    only_a_sum = not row.agrees and row.wrong_elements == 0 and row.difference is not None
    rounding = 8 * torch.finfo(made.dtype).eps * float(made.abs().max()) if only_a_sum else 0.0
    return only_a_sum and abs(row.difference or 0.0) <= rounding


def is_small(row: Row, made: Tensor) -> bool:
    """Whether a row differs by less than half of the digits, which a mistake of the calculus does not."""
    if row.difference is None:
        return False
    size = max(float(made.abs().max()) if made.numel() else 0.0, abs(row.reference or 0.0))
    return abs(row.difference) <= torch.finfo(made.dtype).eps ** 0.5 * size


def is_another_function(wrong: list[Finding]) -> bool:
    """Whether half of an output or more is another: sizes written into a function are its own affair.

    Where the rows are cut wrongly, as by a tail that no block divides, most of them are right.
    """
    return any(each.kind == "output" and 2 * each.row.wrong_elements >= each.row.elements for each in wrong)


def roundings(row: Row, dtype: torch.dtype) -> float | None:
    """The difference at the worst element, in roundings: units of eps / 2 of the reference's value."""
    if row.difference is None or row.reference is None:
        return None
    info = torch.finfo(dtype)
    return row.difference / max(info.eps / 2 * abs(row.reference), info.tiny * info.eps)
