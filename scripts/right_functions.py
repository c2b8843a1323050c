"""Random small functions with right derivations, in five dtypes: how many does the check refuse?"""

from support.ending import AGREEMENT, MISMATCH, Parser, run

import argparse
from collections import Counter
from collections.abc import Sequence

import torch

from proof.random_functions import DTYPES, random_function
from support.json_documents import print_json
from support.tables import open_console, plain_table
from torch_reference import check_function

KINDS = ("agrees", "inconclusive", "loses digits", "refused", "not finite")
UNDECIDED = {"inconclusive", "no bound"}


def main(argv: Sequence[str] | None = None) -> int:
    """Print what came of each dtype's; 0 if none was refused."""
    options = _parse(argv)
    torch.set_num_threads(1)
    found: dict[str, Counter[str]] = {str(dtype).removeprefix("torch."): Counter() for dtype in DTYPES}
    for number in range(options.start, options.start + options.count):
        dtype = DTYPES[number % len(DTYPES)]
        kind, links = judged(number, dtype, options.further)
        found[str(dtype).removeprefix("torch.")][kind] += 1
        if kind != "agrees" and not options.json:
            print(f"{kind}: {number}, {links} in {dtype}", flush=True)
    if options.json:
        print_json({dtype: dict(kinds) for dtype, kinds in found.items()}, indent=2)
    else:
        table = plain_table("dtype", *KINDS)
        for dtype, kinds in found.items():
            table.add_row(dtype, *(str(kinds[kind]) for kind in KINDS))
        open_console().print(table)
    refused = sum(kinds["refused"] + kinds["loses digits"] for kinds in found.values())
    return MISMATCH if refused else AGREEMENT


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(prog="right_functions.py", description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=1000, help="so many (default: 1000)")
    parser.add_argument("--start", type=int, default=0, help="the number of the first (default: 0)")
    parser.add_argument(
        "--further",
        action="store_true",
        help="of further links too: masks, indices, complex numbers inside, fused kernels, ...",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    if options.count < 1:
        parser.error(f"count: expected 1 or more, found {options.count}")
    return options


def judged(number: int, dtype: torch.dtype, further: bool = False) -> tuple[str, str]:
    """(what the check says of the function of that number, its links): one of KINDS.

    Where one of its values is not finite there is nothing to refuse, and nothing that agrees.
    """
    function = random_function(number, dtype, further)
    if not all(bool(value.isfinite().all()) for value in function.values()):
        return "not finite", function.links
    report = check_function(function.pair, function.reference, *function.inputs, ways=[], order=1)
    said = {finding.row.verdict.value for finding in report.findings if not finding.agrees}
    if not said:
        return "agrees" if report else "refused", function.links
    if said <= UNDECIDED:
        return "inconclusive", function.links
    return "loses digits" if said == {"loses digits"} else "refused", function.links


if __name__ == "__main__":
    run(main)
