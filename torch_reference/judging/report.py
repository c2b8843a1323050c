"""What a check found: text for people, a dictionary for machines."""

import math
import textwrap
from dataclasses import asdict, dataclass

from torch_reference.comparison import Row, Verdict

WIDTH = 80

NO_GRADIENT = (Verdict.MUTATED,)
"""What is found of an input, not of a gradient."""
RULES = (*NO_GRADIENT, Verdict.ALIASED, Verdict.UNSTABLE, Verdict.REQUIRES_GRAD)
"""What a derivation must not do, whatever its numbers are."""


@dataclass(frozen=True)
class Diagnosis:
    """What kind of mistake a wrong gradient looks like, in one plain sentence, and how to mend it."""

    kind: str
    sentence: str
    mend: str


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

    @property
    def agrees(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.row.agrees

    @property
    def starts_here(self) -> bool:
        """Whether the mistake is in this link itself."""
        return not self.agrees and not self.inherited

    def to_dict(self) -> dict[str, object]:
        """Everything, for machines."""
        facts = {"name": self.name, "kind": self.kind, "agrees": self.agrees, "inherited": self.inherited}
        row = asdict(self.row) | {"verdict": self.row.verdict.value, "index": list(self.row.index)}
        diagnosis = asdict(self.diagnosis) if self.diagnosis else None
        found = {"roundings": self.roundings, "diagnosis": diagnosis, "wrong": self.wrong}
        return {key: _finite(value) for key, value in (row | facts | found).items()}

    def lines(self, told: str = "") -> list[str]:
        """The finding in a few lines of at most 80 columns; told: who has the same diagnosis."""
        row = self.row
        if self.inherited:
            reason = row.explanation or "differs, but is right given its upstream gradient"
            return _wrapped(f"{self.name}: {reason}", "    ")
        heading = f"{self.name}: {row.verdict}"
        lines = [row.explanation] if row.explanation else []
        if row.manual is not None:
            index = f"[{', '.join(map(str, row.index))}]" if row.index else ""
            heading += f", {row.wrong_elements} of {row.elements} elements"
            lines += [
                f"worst at {self.name}{index}",
                f"  manual    {row.manual!r}",
                f"  reference {row.reference!r}",
            ]
            if self.roundings is not None and math.isfinite(self.roundings):
                lines.append(f"  {self.roundings:.3g} roundings apart; rounding explains {row.bound:.2g}")
        if self.diagnosis and told:
            lines.append(f"{self.diagnosis.kind}, as in {told}")
        elif self.diagnosis:
            lines.append(f"{self.diagnosis.kind}: {self.diagnosis.sentence}")
            lines.append(f"To mend it: {self.diagnosis.mend}")
        if self.wrong and not told:
            lines.append(f"wrong is: {self.wrong}")
        text = [part for line in lines for part in _wrapped(line, "", WIDTH - 4)]
        return _wrapped(heading, "    ") + [f"    {line}" for line in text]


@dataclass(frozen=True)
class Report:
    """All findings, from the loss backwards."""

    findings: tuple[Finding, ...]
    dtype: str
    note: str = ""
    """Under which circumstances: empty for the task as it was given."""

    @property
    def agrees(self) -> bool:
        """Whether every gradient agrees and no rule was broken."""
        return all(finding.agrees for finding in self.findings)

    @property
    def first_wrong(self) -> Finding | None:
        """The first link, from the loss backwards, where a mistake starts."""
        return next((finding for finding in self.findings if finding.starts_here), None)

    def to_dict(self) -> dict[str, object]:
        """Everything, for machines."""
        first = self.first_wrong
        return {
            "agree": self.agrees,
            "dtype": self.dtype,
            "note": self.note,
            "first_wrong": first.name if first else None,
            "findings": [finding.to_dict() for finding in self.findings],
        }

    def __str__(self) -> str:
        """Text of at most 80 columns."""
        wrong = [finding for finding in self.findings if not finding.agrees]
        if not wrong:
            elements = sum(finding.row.elements for finding in self.findings)
            names = f"{len(self.findings)} gradient{'s' * (len(self.findings) != 1)}"
            heading = f"AGREEMENT: {names}, {elements} elements, all within rounding ({self.dtype})"
            return "\n".join([heading, *self._remarks()])
        right = [finding.name for finding in self.findings if finding.agrees]
        first = self.first_wrong
        lines = [f"MISMATCH: {self._counts()} ({self.dtype})", *([self.note] if self.note else [])]
        if first and first.row.verdict in RULES:
            lines += _wrapped(f"before all else: {first.name}, {first.row.verdict}", "    ")
        elif first:
            lines += _wrapped(f"first wrong link, from the loss backwards: {first.name}", "    ")
        told: dict[tuple[Diagnosis | None, str], str] = {}
        for finding in wrong:
            # A mistake that several gradients share, such as a lost sign, is told once.
            same = told.setdefault((finding.diagnosis, finding.wrong), finding.name)
            lines += ["", *finding.lines(same if finding.diagnosis and same != finding.name else "")]
        if right:
            lines += ["", *_wrapped(f"right: {', '.join(right)}", "       "), *self._remarks()]
        return "\n".join(lines)

    def _counts(self) -> str:
        """How many gradients are wrong in which way, of how many, and what else was found."""
        of = {
            finding.name
            for finding in self.findings
            if finding.row.verdict not in (*NO_GRADIENT, Verdict.EXTRA)
        }
        wrong = [finding.row.verdict for finding in self.findings if not finding.agrees]
        missing, extra = (wrong.count(verdict) for verdict in (Verdict.MISSING, Verdict.EXTRA))
        rules = sum(verdict in RULES for verdict in wrong)
        differ = len(wrong) - missing - extra - rules
        parts = [f"{differ} of {len(of)} gradients differ"] if differ else []
        parts += [f"{missing} of {len(of)} gradients missing"] if missing else []
        parts += [f"{extra} of an unknown name"] if extra else []
        parts += [f"{rules} against the rules"] if rules else []
        return ", ".join(parts)

    def _remarks(self) -> list[str]:
        """What is to be said of a gradient that agrees."""
        told = [finding for finding in self.findings if finding.agrees and finding.row.explanation]
        return [line for one in told for line in _wrapped(f"{one.name}: {one.row.explanation}", "    ")]


def breach(name: str, kind: str, verdict: Verdict, explanation: str) -> Finding:
    """A finding that rests on no number."""
    return Finding(name, kind, Row(name, verdict, explanation=explanation))


def _wrapped(line: str, indent: str, width: int = WIDTH) -> list[str]:
    """The line in lines of that width; a name is never broken, however long it is."""
    first = line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(
        line.strip(),
        width,
        initial_indent=first,
        subsequent_indent=first + indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _finite(value: object) -> object:
    """JSON has no NaN and no infinity: their names instead."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
