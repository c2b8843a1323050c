"""The catalogue of planted mistakes, through this project and through what people use today."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

import torch
from catalogue import MISTAKES, RIGHT, Case
from options import AGREEMENT, MISMATCH, Parser, run
from peers import Answer, jax_check_grads, karpathy, quietly, torch_gradcheck
from torch import Tensor, nn

from torch_reference import check_derivation


def main(argv: Sequence[str] | None = None) -> int:
    """Print the scoreboard; 0 if this project caught every mistake and refused nothing that is right."""
    options = _parse(argv)
    torch.set_num_threads(1)
    tools: dict[str, Callable[[Case], Answer | None]] = {
        "this project": _ours,
        "gradcheck, slow mode": partial(torch_gradcheck, fast_mode=False),
        "gradcheck, fast mode": partial(torch_gradcheck, fast_mode=True),
        "jax check_grads": jax_check_grads,
        "exact/approximate/maxdiff": karpathy,
    }
    scores = {name: _score(name, tool, options) for name, tool in tools.items()}
    speed = None if options.no_speed else _speed()
    document = {"mistakes": len(MISTAKES), "right": len(RIGHT), "tools": scores, "speed": speed}
    if options.json:
        print(json.dumps(document, indent=2))
    else:
        _print(document, options)
    ours = scores["this project"]
    return AGREEMENT if ours and not ours["missed"] and not ours["false_alarms"] else MISMATCH


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(prog="scoreboard.py", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--list", action="store_true", help="name every case that a tool got wrong")
    parser.add_argument("--no-speed", action="store_true", help="leave out the timing at 4,810 parameters")
    return parser.parse_args(argv)


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
    start = time.perf_counter()
    found = [(case, quietly(tool, case)) for case in MISTAKES]
    alarms = [case.name for case in RIGHT if (quietly(tool, case) or (False,))[0]]
    seconds = time.perf_counter() - start
    kinds = [(case, answer[2]) for case, answer in found if answer and len(answer) > 2]
    score: dict[str, object] = {
        "missed": [case.name for case, answer in found if not (answer and answer[0])],
        "false_alarms": alarms,
        "link_not_named": [case.name for case, answer in found if not (answer and answer[1] == case.where)],
        "seconds": seconds,
    }
    if kinds:
        score["not_diagnosed"] = [
            case.name for case, kind in kinds if kind != case.kind and kind == "unknown"
        ]
        score["diagnosed_wrongly"] = [
            case.name for case, kind in kinds if kind != case.kind and kind != "unknown"
        ]
    if not options.json and sys.stderr.isatty():
        print(f"{name}: done after {seconds:.0f} s", file=sys.stderr)
    return score


def _speed() -> dict[str, float]:
    """Seconds for every element of 4,810 parameters: a 64-64-10 perceptron on 64 rows, by hand and right."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 10)).double()
    inputs, targets = torch.randn(64, 64).double(), torch.randn(64, 10).double()

    def by_hand(p: dict[str, Tensor], x: Tensor, t: Tensor) -> dict[str, Tensor]:
        activation = torch.tanh(x @ p["0.weight"].T + p["0.bias"])
        d_ssr_d_output = 2 * (activation @ p["2.weight"].T + p["2.bias"] - t)
        d_ssr_d_hidden = (d_ssr_d_output @ p["2.weight"]) * (1 - activation**2)
        return {
            "2.weight": d_ssr_d_output.T @ activation,
            "2.bias": d_ssr_d_output.sum(0),
            "0.weight": d_ssr_d_hidden.T @ x,
            "0.bias": d_ssr_d_hidden.sum(0),
        }

    def ssr(output: Tensor, observed: Tensor) -> Tensor:
        return ((output - observed) ** 2).sum()

    case = Case("speed", (model, ssr, inputs, targets), by_hand)
    ours = min(_seconds(partial(check_derivation, *case.network, by_hand)) for _ in range(5))
    slow = min(_seconds(partial(torch_gradcheck, case, fast_mode=False)) for _ in range(2))
    return {"parameters": 4810, "this_project": ours, "gradcheck_slow": slow, "ratio": slow / ours}


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _print(document: dict, options: argparse.Namespace) -> None:
    from tables import open_console, plain_table

    mistakes, right = document["mistakes"], document["right"]
    console = open_console()
    console.print(f"{mistakes} planted mistakes and {right} right derivations\n")
    table = plain_table("tool", "caught", "false alarms", "link", "diagnosis", "seconds")
    for name, score in document["tools"].items():
        if score is None:
            table.add_row(name, "-", "not installed", *["-"] * 3)
            continue
        missed = len(score.get("not_diagnosed", [])) + len(score.get("diagnosed_wrongly", []))
        table.add_row(
            name,
            f"{mistakes - len(score['missed'])}",
            f"{len(score['false_alarms'])}",
            f"{mistakes - len(score['link_not_named'])}",
            f"{mistakes - missed}" if "not_diagnosed" in score else "-",
            f"{score['seconds']:.1f}",
        )
    console.print(table)
    if document["speed"]:
        speed = document["speed"]
        ours, slow = f"{speed['this_project']:.3f} s", f"{speed['gradcheck_slow']:.2f} s"
        console.print(f"\n{speed['parameters']:,} parameters, every element: this project {ours},")
        console.print(f"gradcheck's slow mode {slow}, {speed['ratio']:.0f} times as long")
    for name, score in document["tools"].items():
        for what in ("missed", "false_alarms", "not_diagnosed", "diagnosed_wrongly") if options.list else ():
            for case in (score or {}).get(what, []):
                console.print(f"{name}: {what.replace('_', ' ')}: {case}")


if __name__ == "__main__":
    run(main)
