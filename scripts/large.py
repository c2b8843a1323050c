"""Derive and descend on data larger than memory, in one process or, under torchrun, in several."""

from support.ending import AGREEMENT, MISMATCH, Parser, run

import argparse
import math
import resource
import time
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor

from keeping.fingerprints import fingerprint
from manual_backprop import DERIVATIVES, LESSON_WRT, forward, lesson
from manual_backprop.fast import triangle
from manual_backprop.fast.seven_parameters import ARE_ALL
from manual_backprop.fast.triangle_descent import descend, rounding
from manual_backprop.lesson.descent import check_rules, follow
from manual_backprop.training import distributed
from ranks.joining import joined, own, seconds
from reading.columns import add_column_options
from scaling import safe_rate
from scaling.data_sources import parts
from scaling.large_result import Result, check_overflow
from scaling.passes_over_data import Pass
from support.json_documents import print_json
from support.options import add_parameter_options, device

Start = Mapping[str, Tensor]


def main(argv: Sequence[str] | None = None) -> int:
    """Print the gradient at the start and the descent; 0, or 1 if autograd disagrees."""
    options = _parse(argv)
    place = own(device(options.device))
    # Two threads of one process gain little on blocks that fit a cache; two processes take half the time.
    torch.set_num_threads(1)
    start = lesson.start() | {name: torch.tensor(value, dtype=torch.float64) for name, value in options.set}
    start = {name: value.to(place) for name, value in start.items()}
    pieces = parts(options.data, options.inputs, options.outputs)
    with joined(options.timeout, place, _description(options)) as ranks:
        # Every process takes each so-manieth part, so that all of them read from the first to the last.
        data = Pass(pieces[ranks.rank :: ranks.size], ranks, place)
        result = (_by_passes if options.passes else _by_triangle)(data, start, options)
    check_overflow(result, options.data[0])
    if ranks.rank == 0:
        if options.json:
            print_json(_document(result, ranks.size))
        else:
            from scaling.large_table import print_result

            print_result(result, options, ranks.size, peak_memory())
    return AGREEMENT if result.agrees else MISMATCH


def peak_memory() -> int:
    """The most memory that this process ever held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts in KiB


def _by_triangle(data: Pass, start: Start, options: argparse.Namespace) -> Result:
    """One pass, whatever the number of steps."""
    began = time.perf_counter()
    blocks = (triangle.from_data(start, *block) for block in data)
    one = triangle.merge(chain([triangle.empty(start)], blocks))
    if data.ranks.size > 1:
        one = distributed.gather(one)
    if not one.observations:
        raise ValueError(f"{options.data[0]}: expected at least one observation, found none")
    rate = options.learning_rate or safe_rate.of_triangle(one, options.wrt)
    rules = {"max_steps": options.max_steps, "min_step_size": options.min_step_size}
    history = descend(one, start, options.wrt, learning_rate=rate, **rules)
    seconds = time.perf_counter() - began
    of_ssr, of_derivatives = rounding(one, start)
    own = {"ssr": of_ssr, **of_derivatives}
    autograd, bounds = data.autograd(start, options.wrt) if options.check else ({}, {})
    bounds = {name: bound + own[name].item() for name, bound in bounds.items()}
    return Result(one.observations, rate, history, seconds, autograd, bounds)


def _by_passes(data: Pass, start: Start, options: argparse.Namespace) -> Result:
    """One pass for every step: where the hidden layer moves, its activations change."""
    counts: list[float] = []
    like = next(iter(start.values()))

    def evaluate(here: Mapping[str, float]) -> tuple[float, dict[str, float]]:
        parameters = {name: like.new_tensor(value) for name, value in here.items()}

        def of_block(inputs: Tensor, observed: Tensor) -> list[float]:
            trace = forward(parameters, inputs, observed)
            return [len(inputs), trace.ssr.item(), *(DERIVATIVES[name](trace).item() for name in options.wrt)]

        totals = data.sums(("count", "ssr", *options.wrt), of_block)
        counts.append(totals.pop("count"))
        return totals.pop("ssr"), totals

    began = time.perf_counter()
    numbers = {name: value.item() for name, value in start.items()}
    rate = options.learning_rate or math.nan
    if options.learning_rate is None and options.max_steps and set(options.wrt) <= set(LESSON_WRT):
        rate = safe_rate.of_data(data, start, options.wrt)
    history = follow(evaluate, numbers, options.wrt, rate, options.max_steps, options.min_step_size, like)
    seconds = time.perf_counter() - began
    if not counts[0]:
        raise ValueError(f"{options.data[0]}: expected at least one observation, found none")
    autograd, bounds = data.autograd(start, options.wrt) if options.check else ({}, {})
    return Result(int(counts[0]), rate, history, seconds, autograd, bounds)


def _description(options: argparse.Namespace) -> dict[str, object]:
    """What has to be the same in every process."""
    alone = ("data", "device", "json")
    given = {name: value for name, value in vars(options).items() if name not in alone}
    return {"program": "large.py", **given, "data": [fingerprint(Path(path)) for path in options.data]}


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(prog="large.py", description=__doc__)
    parser.add_argument(
        "data",
        nargs="+",
        metavar="FILE",
        help="two columns in .npy, .csv or .parquet, or two .npy of one each",
    )
    add_column_options(parser)
    add_parameter_options(parser)
    parser.add_argument(
        "--learning-rate", type=float, metavar="RATE", help="(default: half the largest stable)"
    )
    parser.add_argument(
        "--steps", dest="max_steps", type=int, metavar="N", help="(default: 1000; 0 where each takes a pass)"
    )
    parser.add_argument("--min-step-size", type=float, default=0.001, metavar="SIZE", help="(default: 0.001)")
    parser.add_argument(
        "--check", action="store_true", help="compare the gradient with autograd's: more passes"
    )
    parser.add_argument("--device", default="cpu", help="such as cpu or cuda (default: %(default)s)")
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=600.0,
        metavar="S",
        help="wait so long for a slower process (default: 600)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    is_bowl = set(options.wrt) <= set(LESSON_WRT)
    options.passes = not (ARE_ALL and is_bowl)
    if options.max_steps is None:
        options.max_steps = 0 if options.passes else 1000
    if options.learning_rate is None and not is_bowl and options.max_steps:
        parser.error(
            f"--learning-rate is needed for steps of {', '.join(options.wrt)}, each of which takes a pass"
        )
    check_rules(
        1.0 if options.learning_rate is None else options.learning_rate,
        options.max_steps,
        options.min_step_size,
    )
    return options


def _document(result: Result, processes: int) -> dict[str, object]:
    last = {name: value[-1].item() for name, value in result.history.parameters.items()}
    return {
        "observations": result.observations,
        "processes": processes,
        "seconds": result.seconds,
        "peak_memory": peak_memory(),
        "manual": result.manual,
        "autograd": result.autograd,
        "bounds": result.bounds,
        "agree": result.agrees if result.autograd else None,
        "learning_rate": result.rate if result.rate == result.rate else None,
        "steps": result.history.steps,
        "stopped": result.history.stopped.value,
        "ssr": result.history.ssr[-1].item(),
        "parameters": last,
    }


if __name__ == "__main__":
    run(main)
