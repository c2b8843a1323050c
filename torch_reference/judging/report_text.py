"""The text of a report, at most 80 columns wide."""

import html
import math
import textwrap
from collections.abc import Sequence

from torch_reference.comparison import Verdict
from torch_reference.judging.finding import RULES, Finding
from torch_reference.judging.headings import agreement, counts, some

WIDTH = 80
SHOWN = 7
"""So many gradients with one mistake are shown with their numbers: all of the lesson's."""
FEW = 2
"""So many, where the submodule is named at which it begins: the others follow from it."""
MOST = 20
"""So many names are told one after another, of a network that may have hundreds."""
REFERENCES = {"reference", "reference's own backward", "model and loss"}
"""The parts of the user's code without which nothing can be judged."""
THE_CHECK = "the check"
"""What raised an error while it looked at the user's objects."""


def report_text(
    findings: Sequence[Finding],
    dtype: str,
    note: str,
    remarks: Sequence[str],
    agrees: bool,
    first_part: str = "",
) -> str:
    """The heading, under which circumstances, and each finding that is to be told."""
    numbers = [finding for finding in findings if not finding.is_breach]
    outputs = [finding for finding in numbers if finding.kind == "output"]
    gradients = [finding for finding in numbers if finding.kind != "output"]
    wrong = [finding for finding in findings if not finding.agrees]
    told = _remarks(findings)
    told += [line for remark in remarks for line in wrapped(remark, "    ")]
    if not wrong:
        return "\n".join([agreement(outputs, gradients, dtype, agrees), *told])
    heading = f"MISMATCH: {counts(findings)}"
    if all(each.name in REFERENCES for each in wrong):
        heading = "UNDECIDED: there is nothing to compare with"
    elif all(each.name == THE_CHECK for each in wrong):
        heading = "UNDECIDED: the check could not go on"
    elif all(each.is_undecided for each in wrong):
        heading = f"UNDECIDED: {counts(findings)}"
    lines = [*wrapped(f"{heading} ({dtype})", "    "), *([note] if note else [])]
    first = next((finding for finding in findings if finding.starts_here and _is_told_first(finding)), None)
    if first and first.row.verdict in RULES:
        lines += wrapped(f"before all else: {first.name}, {first.row.verdict}", "    ")
    elif first:
        named = first_part or f"first wrong link, from the loss backwards: {first.name}"
        lines += wrapped(named, "    ")
    shown, most = (FEW, SHOWN) if first_part else (SHOWN, MOST)
    lines += _each(wrong, shown, most)
    names = {finding.name for finding in wrong}
    right = [finding.name for finding in findings if finding.name not in names]
    if right:
        lines += ["", *wrapped(f"right: {some(right, most)}", "       ")]
    return "\n".join([*lines, *told])


def _each(wrong: Sequence[Finding], shown: int, most: int) -> list[str]:
    """What is wrong, one after another; a mistake that gradients share, such as a lost sign, is told once."""
    said: dict[tuple[object, ...], list[str]] = {}
    lines: list[str] = []
    for finding in wrong:
        names = said.setdefault(_what(finding), [])
        names.append(finding.name)
        if len(names) <= shown:
            again = finding.diagnosis is not None and len(names) > 1
            lines += ["", *finding_text(finding, names[0] if again else "")]
    for first, *others in said.values():
        if more := others[shown - 1 :]:
            lines += ["", *wrapped(f"like {first}, {len(more)} more: {some(more, most)}", "    ")]
    return lines


def _what(finding: Finding) -> tuple[object, ...]:
    return finding.row.verdict, finding.row.explanation, finding.diagnosis, finding.wrong, finding.inherited


def _is_told_first(finding: Finding) -> bool:
    """Whether it is a link, or a broken rule: a name, a reference that fails, nothing at all are none.

    What loses digits is not wrong either.
    """
    others = (Verdict.EXTRA, Verdict.MISSING, Verdict.NOTHING, Verdict.LOSES_DIGITS)
    return finding.row.verdict not in others and finding.name not in {*REFERENCES, THE_CHECK}


def finding_text(finding: Finding, told: str = "") -> list[str]:
    """The finding in a few lines of at most 80 columns; told: who has the same diagnosis."""
    row = finding.row
    if finding.inherited:
        reason = row.explanation or "differs, but is right given its upstream gradient"
        return wrapped(f"{finding.name}: {reason}", "    ")
    heading = f"{finding.name}: {row.verdict}"
    lines = [row.explanation] if row.explanation else []
    if row.manual is not None:
        index = f"[{', '.join(map(str, row.index))}]" if row.index else ""
        heading += f", {row.wrong_elements} of {row.elements} elements"
        lines += [
            f"worst at {finding.name}{index}",
            f"  manual    {row.manual!r}",
            f"  reference {row.reference!r}",
        ]
        if finding.roundings is not None and math.isfinite(finding.roundings):
            lines.append(f"  {finding.roundings:.3g} roundings apart; rounding explains {row.bound:.2g}")
    if not finding.is_undecided:  # else nothing is known to be wrong
        lines += _why(finding, told)
    text = [part for line in lines for part in wrapped(line, "", WIDTH - 4)]
    return wrapped(heading, "    ") + [f"    {line}" for line in text]


def _why(finding: Finding, told: str) -> list[str]:
    """What the mistake looks like, how to mend it, and whose it is."""
    lines = []
    if finding.diagnosis and told:
        lines.append(f"{finding.diagnosis.kind}, as in {told}")
    elif finding.diagnosis:
        lines.append(f"{finding.diagnosis.kind}: {finding.diagnosis.sentence}")
        lines.append(f"To mend it: {finding.diagnosis.mend}")
    if finding.wrong and not told:
        lines.append(f"wrong is: {finding.wrong}{f', by {finding.witness}' if finding.witness else ''}")
    return lines


def wrapped(line: str, indent: str, width: int = WIDTH) -> list[str]:
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


def _remarks(findings: Sequence[Finding]) -> list[str]:
    """What is to be said of a gradient that agrees."""
    told = [finding for finding in findings if finding.agrees and finding.row.explanation]
    return [line for one in told for line in wrapped(f"{one.name}: {one.row.explanation}", "    ")]


def report_html(findings: Sequence[Finding], text: str) -> str:
    """The heading, a table with a row for each finding, and the whole text, unfolded where not all agrees."""
    rows = "".join(
        f"<tr><td>{html.escape(finding.name)}</td><td>{html.escape(str(finding.row.verdict))}</td>"
        f"<td>{_cell(finding.row.manual)}</td><td>{_cell(finding.row.reference)}</td>"
        f"<td>{_cell(finding.row.bound)}</td></tr>"
        for finding in findings
    )
    head = "".join(
        f"<th>{name}</th>" for name in ("name", "verdict", "manual", "reference", "rounding explains")
    )
    heading = html.escape(text.splitlines()[0])
    return (
        f"<p><b>{heading}</b></p><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        f"<details{' open' if any(not finding.agrees for finding in findings) else ''}>"
        f"<summary>the report</summary><pre>{html.escape(text)}</pre></details>"
    )


def _cell(value: complex | None) -> str:
    return "" if value is None else f"{value:.6g}"
