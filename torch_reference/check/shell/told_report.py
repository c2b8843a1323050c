"""How a check ends in a shell: the report, the edit alone or one JSON object, and the exit status."""

import argparse
import json
import sys
import tokenize
from pathlib import Path
from typing import Any

from torch_reference.judging.report import Report

AGREEMENT, MISMATCH, BAD_INPUT, USERS_CODE, INTERRUPTED = 0, 1, 2, 3, 130


def tell(report: Report, options: argparse.Namespace, **more: Any) -> None:
    """Print the report in the form that the options ask for, and draw it; more is for JSON alone."""
    if options.plot:
        try:
            report.draw(options.plot)
        except (ValueError, ImportError, OSError) as error:
            print(f"--plot: {error}", file=sys.stderr)
    if options.json:
        print(json.dumps(report.to_dict() | more, indent=2, allow_nan=False))
    elif options.fix and not report.agrees:
        _print_fix(report)
        if not report.fix:
            print("no single edit is known that makes it right", file=sys.stderr)
    else:
        print(report)


def status_of(report: Report) -> int:
    """0 for agreement, 1 for a mismatch, 3 where the user's code failed as it was called first."""
    if report.agrees:
        return AGREEMENT
    return USERS_CODE if report.user_code_failed else MISMATCH


def _print_fix(report: Any) -> None:
    """The diff in the encoding of the file: in another `git apply` would not find its lines."""
    found = report.repairs.found if report.fix else ()
    encoding = _encoding(found[0].file) if found else "utf-8"
    if encoding in ("utf-8", "utf-8-sig") or not hasattr(sys.stdout, "buffer"):
        print(report.fix, end="")
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(report.fix.encode(encoding))
    sys.stdout.buffer.flush()


def _encoding(file: str) -> str:
    try:
        with Path(file).open("rb") as source:
            return tokenize.detect_encoding(source.readline)[0]
    except (OSError, SyntaxError):  # a cell of a notebook
        return "utf-8"
