"""Train the network twice, by hand and by torch.optim.SGD, side by side from the same start."""

from support.ending import AGREEMENT, MISMATCH, Parser, run

import argparse
import sys
from collections.abc import Sequence

import torch
from torch import Tensor

from manual_backprop.lesson.descent import History, descend, initial_parameters
from support.descent_advice import after, before, largest_stable_rate
from support.json_documents import print_json
from support.lesson_options import observations, start_of
from support.options import DTYPES, add_network_options, device, to_tensor
from support.progress_bar import waiting
from torch_reference.lesson.side_by_side import Judgement, judge
from torch_reference.lesson.training import train
from training.arguments import perceptron_options, wants_perceptron


def main(argv: Sequence[str] | None = None) -> int:
    """Print both descents and the verdict; 0 if they agree, 1 if anything differs."""
    argv = sys.argv[1:] if argv is None else list(argv)
    if wants_perceptron(argv):
        from training.main import main as train_perceptron

        return train_perceptron(argv)
    options = _parse(argv)
    if options.plot:
        from support.pictures import check_plot

        check_plot(options.plot)  # before the work rather than after it
    where = options.data or "the lesson's data"
    found = observations(options)
    inputs, observed = (to_tensor(column, options, where) for column in (found.inputs, found.observed))
    start = _start(options)
    rules = {
        "learning_rate": options.learning_rate,
        "max_steps": options.max_steps,
        "min_step_size": options.min_step_size,
    }
    torch.set_num_threads(1)  # a second thread costs more than it brings
    n = len(inputs)
    with waiting("training by hand", n):
        manual = descend(start, inputs, observed, options.wrt, **rules)
    with waiting("training by torch.optim.SGD", n):
        reference = train(start, inputs, observed, options.wrt, **rules)
    with waiting("judging every step", n):
        judgement = judge(manual, reference, inputs, observed, **rules)
    if judgement.agrees and not judgement.points:
        first = torch.stack([manual.ssr[0], *(value[0] for value in manual.derivatives.values())])
        if first.isfinite().all():
            raise ValueError(f"{where}: rounding has no finite bound here: expected numbers nearer to 1")
        raise ValueError(f"{where}: the SSR or a derivative at the start overflows {options.dtype}")
    stable = largest_stable_rate(start, inputs, observed, options)
    warnings = [*before(stable, options), *after(manual, inputs, observed, options)]
    if options.json:
        print_json(_document(manual, reference, judgement, options) | {"warnings": warnings})
    else:
        from support.descent_table import (
            print_descent,  # rich takes 0.1 s to import, which --json need not wait for
        )

        print_descent(manual, reference, judgement, options, warnings)
    if options.plot:
        from support.descent_pictures import draw

        draw(manual, inputs, observed, found.names, options)
    return AGREEMENT if judgement.agrees else MISMATCH


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    others = "With --hidden, --class, several --inputs or --data digits it trains any perceptron instead: "
    parser = Parser(prog="train.py", description=__doc__, epilog=f"{others}train.py --hidden 16 --help.")
    parser.elsewhere = lambda: (perceptron_options(), "is a perceptron's: expected --hidden N beside it")
    add_network_options(parser)
    parser.add_argument(
        "--learning-rate", type=float, default=0.01, metavar="RATE", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--steps", dest="max_steps", type=int, default=1000, metavar="N", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--min-step-size",
        type=float,
        default=0.001,
        metavar="SIZE",
        help="stop when every step size is below it; 0 never stops (default: %(default)s)",
    )
    parser.add_argument(
        "--init",
        choices=("lesson", "random"),
        default="lesson",
        help="start from the lesson's values, or draw the weights of --wrt (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of --init random (default: %(default)s)")
    parser.add_argument("--plot", metavar="DIR", help="write four pictures there; needs matplotlib")
    parser.add_argument("--json", action="store_true", help="print one JSON object, with every step")
    options = parser.parse_args(argv)
    if not 0 <= options.seed < 2**63:
        parser.error(f"--seed: expected 0 or more, below 2**63, found {options.seed}")
    return options


def _start(options: argparse.Namespace) -> dict[str, Tensor]:
    """The parameters to start from: the lesson's, its follow-up's when all seven are free, or random ones."""
    if options.init == "random":
        place = device(options.device)
        start = initial_parameters(options.seed, options.wrt, DTYPES[options.dtype], place)
    else:
        start = {
            name: to_tensor([value], options, name).squeeze(0) for name, value in start_of(options).items()
        }
    given = {name: to_tensor([value], options, f"--set {name}").squeeze(0) for name, value in options.set}
    return {**start, **given}


def _document(
    manual: History, reference: History, judgement: Judgement, options: argparse.Namespace
) -> dict[str, object]:
    rows = [
        {
            "name": row.name,
            "manual": row.manual,
            "reference": row.reference,
            "difference": row.difference,
            "bound": row.bound,
            "agrees": row.agrees,
            "verdict": row.verdict.value,
            "index": list(row.index),
        }
        for row in judgement.rows
    ]
    return {
        "dtype": options.dtype,
        "device": options.device,
        "wrt": list(options.wrt),
        "learning_rate": options.learning_rate,
        "max_steps": options.max_steps,
        "min_step_size": options.min_step_size,
        "agree": judgement.agrees,
        "problems": judgement.problems,
        "points_compared": judgement.points,
        "rows": rows,
        "manual": _history(manual),
        "reference": _history(reference),
    }


def _history(history: History) -> dict[str, object]:
    """A descent as plain data; works for either witness's, which have the same fields."""
    return {
        "stopped": history.stopped.value,
        "steps": history.steps,
        "ssr": _numbers(history.ssr),
        "parameters": {name: _numbers(value) for name, value in history.parameters.items()},
        "derivatives": {name: _numbers(value) for name, value in history.derivatives.items()},
        "step_sizes": {name: _numbers(value) for name, value in history.step_sizes.items()},
    }


def _numbers(values: Tensor) -> list[object]:
    return values.tolist()


if __name__ == "__main__":
    run(main)
