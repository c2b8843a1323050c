"""Grade a folder of submissions, each in a process of its own, at points drawn from a secret seed."""

from support.ending import AGREEMENT, MISMATCH, Parser, run

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from comparing.derivation_option import LARGEST
from grading.class_run import grade_all, several
from grading.class_table import as_csv, document, print_class, text_for, text_name, verdict
from grading.judging import Graded, Rules
from grading.marks import read_marks, total
from grading.secret_points import LessonPoint, drawn, secret_seed
from grading.submissions import submissions
from isolation.nursery import Nursery
from support.atomic_files import check_file, check_folder, replacing
from support.lesson_options import choose
from support.options import add_network_options
from support.tables import open_console


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table of the class; 0 if all are right, 1 if one is not."""
    options = _parse(argv)
    torch.set_num_threads(1)  # there are as many judges as there are cores
    marks = read_marks(options.points, options.wrt)
    # All that is worth points has to be there, and all that is asked for has to be right.
    names = list(dict.fromkeys([*(name for name in marks), *options.wrt]))
    all_of_them = submissions(Path(options.folder), options.derivation, options.only)
    _check_files(options)
    with Nursery(clean=True) as nursery:  # before there is a seed that its pupils could read
        seed = secret_seed() if options.seed is None else options.seed
        rules = Rules(
            _points(options, seed), options.wrt, names, options.timeout, int(options.memory * 2**30)
        )
        found = dict[str, Graded]()
        for one in _shown(grade_all(all_of_them, rules, nursery, options.jobs), len(all_of_them)):
            one.points = (
                0.0 if one.error or (options.no_autograd and one.autograd) else total(marks, one.right)
            )
            found[one.student] = one
    in_order = [found[submission.student] for submission in all_of_them]
    _tell(in_order, names, marks, seed, options)
    right = all(verdict(one, names, options.no_autograd) == "right" for one in in_order)
    return AGREEMENT if right else MISMATCH


def _points(options: argparse.Namespace, seed: int) -> list[LessonPoint]:
    chosen = choose(options)
    where = options.data or "the lesson's data"
    own = LessonPoint(where, chosen.parameters, chosen.inputs, chosen.observed)
    return [own, *drawn(seed, options.networks, chosen.inputs)]


def _shown(grades, count: int):  # type: ignore[no-untyped-def] # an iterator of grades in and out
    """Pass the grades on, with a bar on a terminal."""
    if not sys.stderr.isatty():
        yield from grades
        return
    from support.progress_bar import progress

    yield from progress(grades, count, "submissions")


def _check_files(options: argparse.Namespace) -> None:
    """Before the work rather than after it."""
    if options.csv:
        check_file(Path(options.csv), f"--csv {options.csv}")
    if options.reports:
        check_folder(Path(options.reports), f"--reports {options.reports}")


def _tell(
    found: Sequence[Graded],
    names: Sequence[str],
    marks: dict[str, float],
    seed: int,
    options: argparse.Namespace,
) -> None:
    documents = [document(one, names, options) for one in found]
    if options.csv:
        with replacing(Path(options.csv)) as part:
            part.write_text(as_csv(documents), encoding="utf-8", errors="backslashreplace")
    if options.reports:
        folder = Path(options.reports)
        folder.mkdir(parents=True, exist_ok=True)
        for one in found:
            with replacing(folder / text_name(one.student)) as part:
                text = text_for(one, names, options)
                part.write_text(text, encoding="utf-8", errors="backslashreplace")
    if options.json:
        print(json.dumps({"seed": seed, "submissions": documents}, indent=2, allow_nan=False))
        return
    print_class(found, names, marks, options)
    open_console().print(f"The seed was {seed}: --seed {seed} --only NAME runs one line again.")


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(prog="grade.py", description=__doc__)
    parser.add_argument("folder", metavar="FOLDER", help="a .py file, a package or a folder for each student")
    parser.add_argument("--derivation", required=True, metavar="NAME", help="the function, such as by_hand")
    add_network_options(parser)
    parser.add_argument(
        "--points", metavar="FILE.csv", help="a header, then lines such as w3,2 or predicted,1"
    )
    parser.add_argument(
        "--networks", type=int, default=4, metavar="N", help="drawn from the seed (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, help="of the networks (default: a secret one, printed at the end)"
    )
    parser.add_argument("--only", action="append", default=[], metavar="STUDENT", help="repeatable")
    parser.add_argument("--no-autograd", action="store_true", help="no points where autograd is asked")
    parser.add_argument(
        "--timeout", type=float, default=10.0, metavar="S", help="seconds for each (default: %(default)g)"
    )
    parser.add_argument(
        "--memory",
        type=float,
        default=2.0,
        metavar="GIB",
        help="for each; 0: no limit (default: %(default)g)",
    )
    parser.add_argument(
        "--jobs", type=int, default=several(), metavar="N", help="at once (default: %(default)s)"
    )
    parser.add_argument("--csv", metavar="FILE.csv", help="write one line for each submission")
    parser.add_argument("--reports", metavar="DIR", help="write a text for each student")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    for name, least in (("networks", 0), ("jobs", 1), ("seed", 0)):
        value = getattr(options, name)
        if value is not None and value < least:
            parser.error(f"--{name}: expected {least} or more, found {value}")
    if not 0 < options.timeout <= LARGEST:
        parser.error(f"--timeout: expected seconds above 0 and up to {LARGEST:g}, found {options.timeout:g}")
    if not 0 <= options.memory <= LARGEST:
        parser.error(f"--memory: expected 0 to {LARGEST:g} GiB, found {options.memory:g}")
    if not all(part.isidentifier() for part in options.derivation.split(".")):
        parser.error(f"--derivation: expected the name of a function, found {options.derivation!r}")
    return options


if __name__ == "__main__":
    run(main)
