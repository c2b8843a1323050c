"""What a cell of a table holds: a number, in one spelling that all readers share, or something else."""

import math
import re

POINT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
COMMA = re.compile(r"[+-]?(?:[0-9]+,?[0-9]*|,[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(?:[,. '_\u00a0\u202f\u2019][0-9]{3})+(?:[.,][0-9]*)?", re.ASCII)
NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE | re.ASCII)
MONTHS = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
DATE = re.compile(
    rf"""(?:[0-9]{{4}}([-/.])[0-9]{{1,2}}\1[0-9]{{1,2}}      # 2024-01-31
        |[0-9]{{1,2}}([-/.])[0-9]{{1,2}}\2[0-9]{{2,4}}       # 31.1.2024, 1/31/24
        |[0-9]{{1,2}}[-\ .]+{MONTHS}[-\ .,]*(?:[0-9]{{2,4}})?  # 31 Jan 2024
        |{MONTHS}[-\ .]+[0-9]{{1,4}}(?:,?\ [0-9]{{2,4}})?)     # Jan 31, 2024; Jan-24
        (?:[T\ ,].*)?""",
    re.IGNORECASE | re.ASCII | re.VERBOSE,
)
TIME = re.compile(r"[0-9]{1,3}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]*)?)?(?: ?[ap]m)?", re.IGNORECASE | re.ASCII)
MISSING = {"na", "n/a", "#n/a", "null", "none", "missing", "-", "--", "?", "."}
SHOWN = 60
"""Characters of a cell that a message shows."""


def is_number(cell: str, decimal: str = ".") -> bool:
    """Whether a cell is a number: digits, a decimal sign, a power of ten, spaces around it, and no more.

    Python's float() takes 1_000 and the digits of other scripts as well, of which other readers know nothing;
    nan and infinity are no numbers here.
    """
    return (COMMA if decimal == "," else POINT).fullmatch(cell.strip()) is not None


def number(cell: str, decimal: str = ".") -> float:
    """The number in a cell; ValueError, which says what there is instead, for anything else."""
    cell = cell.strip()
    if not is_number(cell, decimal):
        finite = "finite " if NOT_FINITE.fullmatch(cell) else ""
        raise ValueError(f"expected a {finite}number{_sign(cell, decimal)}, found {described(cell)}")
    value = float(cell.replace(decimal, "."))
    if not math.isfinite(value):
        raise ValueError(f"expected a finite number, found {cell!r}")
    return value


def described(cell: str) -> str:
    """A cell as a message shows it, with what it seems to be."""
    shown = repr(cell if len(cell) <= SHOWN else cell[: SHOWN - 1] + "…")
    if DATE.fullmatch(cell):
        return f"the date {shown}"
    if TIME.fullmatch(cell):
        return f"the time {shown}"
    if cell.lower() in MISSING:
        return f"{shown}, a missing value"
    if THOUSANDS.fullmatch(cell):
        return f"{shown}, which may have separators of thousands"
    return shown


def _sign(cell: str, decimal: str) -> str:
    """A remark where the cell is a number with the other decimal sign."""
    other = "." if decimal == "," else ","
    if not is_number(cell, other):
        return ""
    return " with a decimal comma, as elsewhere in the file" if decimal == "," else " with a decimal point"
