"""What a check found: text for people, a dictionary for machines."""

import textwrap
from dataclasses import asdict, dataclass

from torch_reference.compare import Row, Verdict

WIDTH = 80


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

    kind is "parameter", "input", "link" (a submodule's output) or "output"; inherited says that it differs
    from autograd only because an upstream gradient does: given its own upstream it is right.
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
        row = {key: value for key, value in asdict(self.row).items() if key != "name"}
        row["verdict"] = self.row.verdict.value
        diagnosis = asdict(self.diagnosis) if self.diagnosis else None
        facts = {"name": self.name, "kind": self.kind, "agrees": self.agrees, "inherited": self.inherited}
        return {**facts, **row, "roundings": self.roundings, "diagnosis": diagnosis, "wrong": self.wrong}

    def lines(self) -> list[str]:
        """The finding in a few lines of at most 80 columns."""
        row = self.row
        if self.inherited:
            return [f"{self.name}: differs, but is right given its upstream gradient"]
        lines = [f"{self.name}: {row.verdict}"]
        if row.explanation:
            lines += textwrap.wrap(row.explanation, WIDTH - 4)
        elif row.manual is not None:
            index = f"[{', '.join(map(str, row.index))}]" if row.index else ""
            lines[0] += f", {row.wrong_elements} of {row.elements} elements"
            lines += [
                f"worst at {self.name}{index}",
                f"  manual    {row.manual!r}",
                f"  reference {row.reference!r}",
            ]
            if self.roundings is not None:
                lines.append(f"  {self.roundings:.3g} roundings apart; rounding explains {row.bound:.2g}")
        if self.diagnosis:
            lines += textwrap.wrap(f"{self.diagnosis.kind}: {self.diagnosis.sentence}", WIDTH - 4)
            lines += textwrap.wrap(f"To mend it: {self.diagnosis.mend}", WIDTH - 4)
        if self.wrong:
            lines.append(f"wrong is: {self.wrong}")
        return [lines[0], *(f"    {line}" for line in lines[1:])]


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
            return f"AGREEMENT: {names}, {elements} elements, all within rounding ({self.dtype})"
        right = [finding.name for finding in self.findings if finding.agrees]
        first = self.first_wrong
        heading = f"MISMATCH: {len(wrong)} of {len(self.findings)} gradients differ ({self.dtype})"
        lines = [heading, *([self.note] if self.note else [])]
        if first:
            lines.append(f"first wrong link, from the loss backwards: {first.name}")
        for finding in wrong:
            lines += ["", *finding.lines()]
        if right:
            lines += ["", *textwrap.wrap(f"right: {', '.join(right)}", WIDTH, subsequent_indent="       ")]
        return "\n".join(lines)


def breach(name: str, kind: str, verdict: Verdict, explanation: str) -> Finding:
    """A finding that rests on no number."""
    return Finding(name, kind, Row(name, verdict, explanation=explanation))
