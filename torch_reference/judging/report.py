"""What a check found: text for people, a dictionary for machines."""

from dataclasses import dataclass

from torch_reference.comparison import Verdict
from torch_reference.judging.finding import UNKNOWN, Diagnosis, Finding, breach
from torch_reference.judging.report_text import report_text

__all__ = ["UNKNOWN", "Diagnosis", "Finding", "Report", "breach"]


@dataclass(frozen=True)
class Report:
    """All findings, from the loss backwards; as a truth value it is whether all agrees."""

    findings: tuple[Finding, ...]
    dtype: str
    note: str = ""
    """Under which circumstances: empty for the task as it was given."""
    converted: tuple[str, ...] = ()
    """What was no tensor of torch's, and was made to one."""

    @property
    def agrees(self) -> bool:
        """Whether something was compared, every gradient agrees, and no rule was broken."""
        return self.elements > 0 and all(finding.agrees for finding in self.findings)

    def __bool__(self) -> bool:
        """Whether it agrees, so that `assert check_function(...)` means what it says."""
        return self.agrees

    @property
    def elements(self) -> int:
        """How many numbers of gradients were compared."""
        return sum(finding.row.elements for finding in self.findings if finding.kind != "output")

    @property
    def first_wrong(self) -> Finding | None:
        """The first link, from the loss backwards, where a mistake starts."""
        return next((finding for finding in self.findings if finding.starts_here), None)

    @property
    def user_code_failed(self) -> bool:
        """Whether the user's code raised an error when it was called as it was given."""
        return not self.note and any(finding.row.verdict is Verdict.RAISED for finding in self.findings)

    def to_dict(self) -> dict[str, object]:
        """Everything, for machines."""
        first = self.first_wrong
        return {
            "agree": self.agrees,
            "dtype": self.dtype,
            "note": self.note,
            "first_wrong": first.name if first else None,
            "converted": list(self.converted),
            "findings": [finding.to_dict() for finding in self.findings],
        }

    def __str__(self) -> str:
        """Text of at most 80 columns."""
        return report_text(self.findings, self.dtype, self.note, self.converted, self.agrees)
