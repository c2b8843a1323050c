"""What a check found: text for people, a dictionary for machines."""

from dataclasses import dataclass

from torch_reference.comparison import Verdict
from torch_reference.judging.finding import UNKNOWN, Diagnosis, Finding, breach
from torch_reference.judging.report_text import report_html, report_text

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
    ways: tuple[tuple[str, str], ...] = ()
    """Every way of calling by name, and what came of it: agrees, fails, cannot apply, refused."""
    ways_on: str = ""
    """The part of a large point that the other ways of calling saw; empty for the whole."""
    smallest: tuple[tuple[str, ...], ...] = ()
    """Ways that fail, and a small call that shows them, in lines that can be pasted."""
    warnings: tuple[str, ...] = ()
    """What is wrong without touching the verdict, as a second derivative that nobody asked for."""
    remarks: tuple[str, ...] = ()
    """What is to be known of the comparison, such as what stood for the reference where none was given."""
    first_part: str = ""
    """The first submodule that differs by itself, of two modules; empty where that is not known."""

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
            "first_part": self.first_part or None,
            "converted": list(self.converted),
            "ways": dict(self.ways),
            "ways_on": self.ways_on,
            "smallest": {ways: "\n".join(lines) for ways, *lines in self.smallest},
            "warnings": list(self.warnings),
            "remarks": list(self.remarks),
            "findings": [finding.to_dict() for finding in self.findings],
        }

    @property
    def fix(self) -> str:
        """One edit that would make it right, as a diff that `git apply` takes; empty where none is known."""
        return ""

    def draw(self, path: str) -> None:
        """Draw the chain of the user's own quantities in a picture file.

        Errors: ValueError where no chain is known, as where all agrees; ImportError without matplotlib
        """
        raise ValueError("there is no chain to draw")

    def _remarks(self) -> list[str]:
        found = list(self.remarks)
        # What cancels to nothing by nature has no size that its bound could be compared with.
        blunt = [each for each in self.findings if 0 < (each.row.bluntness or 0.0) < 1]
        if self.agrees and blunt:
            worst = max(blunt, key=lambda each: each.row.bluntness or 0.0)
            found.insert(0, f"least sharp bound: {worst.row.bluntness:.0e} of {worst.name}")
        found += [f"made to tensors: {', '.join(self.converted)}"] if self.converted else []
        names = {status: [name for name, what in self.ways if what == status] for _, status in self.ways}
        if "fails" in names:
            found.append(
                f"fails in {len(names['fails'])} of {len(self.ways)} ways: {', '.join(names['fails'])}"
            )
            for shown, *lines in self.smallest:
                found += [f"a small call that shows it ({shown}):", *(f"    {line}" for line in lines)]
        elif self.ways:
            on = f", of {self.ways_on}" if self.ways_on else ""
            found.append(f"in {len(names.get('agrees', []))} ways of calling besides the given one{on}")
        for status, told in (("refused", "refused by the function"), ("cannot apply", "cannot apply here")):
            found += [f"{told}: {', '.join(names[status])}"] if status in names else []
        odd = [
            f"{status}: {', '.join(of)}" for status, of in names.items() if status.startswith("not judged")
        ]
        return found + odd + [f"warning: {warning}" for warning in self.warnings]

    def __repr__(self) -> str:
        """The heading alone."""
        return f"<{str(self).splitlines()[0]}>"

    def _repr_html_(self) -> str:
        """A table for a notebook, with no colours of its own, so that it reads in light and in dark."""
        return report_html(self.findings, str(self))

    def __str__(self) -> str:
        """Text of at most 80 columns."""
        told = self._remarks()
        return report_text(self.findings, self.dtype, self.note, told, self.agrees, self.first_part)
