"""The first line of a report: how many gradients and outputs agree, or are wrong in which way."""

from collections import Counter
from collections.abc import Sequence

from torch_reference.comparison import Verdict
from torch_reference.judging.finding import RULES, Finding

ALLOWED = ("which is allowed", "which is accepted")
"""How it is told of one that it needs more than rounding, as rtol= and accept= give it."""


def agreement(outputs: Sequence[Finding], gradients: Sequence[Finding], dtype: str, agrees: bool) -> str:
    """How many agree, and how many elements they have."""
    elements = sum(finding.row.elements for finding in (*outputs, *gradients))
    names = " and ".join(
        number(len(each), what) for each, what in ((outputs, "output"), (gradients, "gradient")) if each
    )
    if not agrees:
        return f"UNDECIDED: nothing was compared: no gradient has an element ({dtype})"
    told = " ".join(finding.row.explanation for finding in (*outputs, *gradients))
    what = "rounding or what is allowed" if any(each in told for each in ALLOWED) else "rounding"
    return f"AGREEMENT: {names}, {number(elements, 'element')}, all within {what} ({dtype})"


def counts(findings: Sequence[Finding]) -> str:
    """How many gradients and outputs are wrong in which way, of how many, and what else was found."""
    parts = []
    for what in ("output", "gradient"):
        here = [finding for finding in findings if _is_of(finding, what)]
        of = len({finding.name for finding in here})
        wrong = [finding for finding in here if not finding.agrees and finding.row.verdict not in RULES]
        told_of = Counter(_TOLD.get(finding.row.verdict, "differ") for finding in wrong)
        parts += [
            f"{told_of[told]} of {of} {what}s {told}" for told in ("differ", *_TOLD.values()) if told_of[told]
        ]
    verdicts = [finding.row.verdict for finding in findings]
    extra, raised = (verdicts.count(verdict) for verdict in (Verdict.EXTRA, Verdict.RAISED))
    rules = sum(verdict in RULES for verdict in verdicts)
    parts += [f"{extra} of an unknown name"] if extra else []
    parts += [f"{rules} against the rules"] if rules else []
    parts += [number(raised, "error") + " raised"] if raised else []
    return ", ".join(parts)


_TOLD = {
    Verdict.MISSING: "missing",
    Verdict.LOSES_DIGITS: "losing digits",
    Verdict.INCONCLUSIVE: "inconclusive",
    Verdict.NO_BOUND: "without a bound",
}
"""What is said of those that do not differ."""


def _is_of(finding: Finding, what: str) -> bool:
    """Whether it is about an output, or about a gradient."""
    other = finding.kind == "call" or finding.row.verdict in (Verdict.MUTATED, Verdict.EXTRA)
    return not other and (finding.kind == "output") is (what == "output")


def number(count: int, what: str) -> str:
    """A number of things: 1 gradient, 2 gradients."""
    return f"{count} {what}{'s' * (count != 1)}"


def some(names: Sequence[str], most: int) -> str:
    """The first names, and how many others there are.

    >>> some(["w1", "b1", "w2", "b2"], most=2)
    'w1, b1 and 2 more'
    """
    others = len(names) - most
    return ", ".join(names[:most]) + (f" and {others} more" if others > 0 else "")
