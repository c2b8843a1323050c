"""The catalogue of planted mistakes, through this project and through what people use today."""

from support.ending import AGREEMENT, MISMATCH, Parser, run

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial

import torch

from catalogue import MISTAKES, RIGHT, SUBJECTS, Case
from proof.cpu_seconds import cpu_seconds
from proof.line_scores import line_score
from proof.peers import Answer, jax_check_grads, karpathy, quietly, torch_gradcheck
from proof.speed_contest import speed
from support.json_documents import print_json
from torch_reference import check_derivation


def main(argv: Sequence[str] | None = None) -> int:
    """Print the scoreboard; 0 if this project caught every mistake and refused nothing that is right."""
    options = _parse(argv)
    torch.set_num_threads(1)
    if options.lines is not None:
        return _lines(options)
    if options.ways:
        return _print_ways(options)
    tools: dict[str, Callable[[Case], Answer | None]] = {
        "this project": _ours,
        "gradcheck, slow mode": partial(torch_gradcheck, fast_mode=False),
        "gradcheck, fast mode": partial(torch_gradcheck, fast_mode=True),
        "jax check_grads": jax_check_grads,
        "exact/approximate/maxdiff": karpathy,
    }
    scores = {name: _score(name, tool, options) for name, tool in tools.items()}
    timing = None if options.no_speed else speed()
    document = {
        "networks": len(SUBJECTS),
        "mistakes": len(MISTAKES),
        "right": len(RIGHT),
        "tools": scores,
        "speed": timing,
    }
    if options.json:
        print_json(document, indent=2)
    else:
        print_table(document, options.list)
    ours = scores["this project"]
    return AGREEMENT if ours and not ours["missed"] and not ours["false_alarms"] else MISMATCH


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(prog="scoreboard.py", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--list", action="store_true", help="name every case that a tool got wrong")
    parser.add_argument("--no-speed", action="store_true", help="leave out the timing at 4,810 parameters")
    parser.add_argument(
        "--lines",
        type=int,
        metavar="N",
        help="wrong lines instead: those reported, those held out, and N of each backward",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="of --lines N: with another than 0, of the held-out backwards, too",
    )
    parser.add_argument("--ways", action="store_true", help="functions that one way of calling shows wrong")
    options = parser.parse_args(argv)
    if options.lines is not None and options.lines < 0:
        parser.error(f"--lines: expected 0 or more, found {options.lines}")
    return options


def _lines(options: argparse.Namespace) -> int:
    """Print how often the wrong line, the kind and an edit are told; 0 if no edit failed to mend it."""
    from catalogue.lines.line_trials import drawn_mistakes, held_out_mistakes, reported_mistakes
    from catalogue.lines.reported import HELD_OUT
    from support.tables import open_console, plain_table

    scores = {
        "reported": line_score(reported_mistakes()),
        "held out, reported": line_score(reported_mistakes(HELD_OUT)),
        "held out, at random": line_score(held_out_mistakes()),
    }
    if options.lines:
        drawn = drawn_mistakes(options.lines, options.seed)
        scores[f"{options.lines} of each, at random"] = line_score(drawn)
    if options.json:
        print_json({name: score.facts() for name, score in scores.items()}, indent=2)
    else:
        table = plain_table(
            "wrong lines", "planted", "line", "of two", "kind", "other kind", "edit", "failing"
        )
        for name, score in scores.items():
            table.add_row(name, *(str(value) for value in score[:7]))
        open_console().print(table)
        for score in scores.values() if options.list else ():
            print("\n".join(score.missed))
    return MISMATCH if any(score.bad_edit for score in scores.values()) else AGREEMENT


def _print_ways(options: argparse.Namespace) -> int:
    from catalogue.ways import ALL
    from proof.ways_board import ways_board
    from support.tables import open_console, plain_table

    board = ways_board()
    if options.json:
        print_json({"mistakes": len(ALL), "right": len(ALL), "tools": board}, indent=2)
    else:
        console = open_console()
        console.print(f"{len(ALL)} functions that one way of calling shows wrong, and a right twin of each\n")
        table = plain_table("tool", "caught", "alarms", "cpu s")
        for name, score in board.items():
            caught = f"{len(ALL) - len(score['missed'])}"
            table.add_row(name, caught, f"{len(score['false_alarms'])}", f"{score['seconds']:.1f}")
        console.print(table)
    for name, score in board.items() if options.list else ():
        for what in ("missed", "false_alarms"):
            for case in score[what]:
                print(f"{name}: {what.replace('_', ' ')}: {case}")
    ours = board["this project"]
    return AGREEMENT if not ours["missed"] and not ours["false_alarms"] else MISMATCH


def _ours(case: Case) -> tuple[bool, str, str]:
    report = check_derivation(*case.network, case.derivation)
    first = report.first_wrong
    kind = first.diagnosis.kind if first and first.diagnosis else ""
    return not report.agrees, first.name if first else "", kind


def _score(
    name: str, tool: Callable[[Case], Answer | None], options: argparse.Namespace
) -> dict[str, object] | None:
    """What one tool gets right and wrong, by name; None where the tool is not installed."""
    if quietly(tool, RIGHT[0]) is None:  # also warms it up, so that no import is timed
        return None
    start = cpu_seconds()
    found = [(case, quietly(tool, case)) for case in MISTAKES]
    alarms = [case.name for case in RIGHT if (quietly(tool, case) or (False,))[0]]
    seconds = cpu_seconds() - start
    score: dict[str, object] = {
        "missed": [case.name for case, answer in found if not (answer and answer[0])],
        "false_alarms": alarms,
        "link_not_named": [case.name for case, answer in found if not (answer and answer[1] == case.where)],
        "seconds": seconds,
    }
    kinds = [(case, answer[2]) for case, answer in found if answer and len(answer) > 2]
    if kinds:
        # Nobody is credited for "unknown", not even where no kind would be honest.
        score["unknown"] = [case.name for case, kind in kinds if kind == "unknown"]
        score["diagnosed_wrongly"] = [case.name for case, kind in kinds if kind not in (case.kind, "unknown")]
    if not options.json and sys.stderr.isatty():
        print(f"{name}: done after {seconds:.0f} s", file=sys.stderr)
    return score


def print_table(document: dict, with_names: bool) -> None:
    """The document as a table of 80 columns; with names, every case that a tool got wrong below it."""
    from support.tables import open_console, plain_table

    mistakes, right = document["mistakes"], document["right"]
    console = open_console()
    console.print(
        f"{mistakes} planted mistakes in {document['networks']} networks, {right} right derivations\n"
    )
    diagnosed = ("right", "unknown", "wrong")
    table = plain_table("tool", "caught", "alarms", "link", *diagnosed, "cpu s")
    for name, score in document["tools"].items():
        if score is None:
            table.add_row(f"{name}: not installed", *["-"] * 7)
            continue
        kinds = ["-"] * 3
        if "unknown" in score:
            unknown, wrong = len(score["unknown"]), len(score["diagnosed_wrongly"])
            kinds = [f"{mistakes - unknown - wrong}", f"{unknown}", f"{wrong}"]
        caught, named = (f"{mistakes - len(score[key])}" for key in ("missed", "link_not_named"))
        table.add_row(name, caught, f"{len(score['false_alarms'])}", named, *kinds, f"{score['seconds']:.1f}")
    console.print(table)
    console.print("\ncaught: mistakes refused; alarms: right derivations refused; link: where the")
    console.print("mistake is, named; right, unknown, wrong: the diagnosis; cpu s: processor time")
    if document["speed"]:
        timing = document["speed"]
        ours, slow = f"{timing['this_project']:.3f} s", f"{timing['gradcheck_slow']:.2f} s"
        console.print(f"\n{timing['parameters']:,} parameters, every element: this project {ours},")
        low, high = timing["quartiles"]
        spread = f"quartiles {low:.0f} to {high:.0f}"
        console.print(f"gradcheck's slow mode {slow}, {timing['ratio']:.0f} times as long ({spread})")
    for name, score in document["tools"].items():
        for what in ("missed", "false_alarms", "unknown", "diagnosed_wrongly") if with_names else ():
            for case in (score or {}).get(what, []):
                print(f"{name}: {what.replace('_', ' ')}: {case}")


if __name__ == "__main__":
    run(main)
