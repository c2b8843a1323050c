"""Time the hand-derived gradients against what a user would take instead, in the same run, in turns."""

from support.ending import AGREEMENT, Parser, run

import argparse
import functools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import torch

from benchmarks import (
    comparing,
    cost_of_the_check,
    floor,
    lesson_descent,
    lesson_gradient,
    perceptrons,
    tricks,
)
from benchmarks.contest import Contest, Result, hold
from benchmarks.cost_of_the_check import PASS
from support.json_documents import print_json
from support.options import DTYPES, device

Maker = Callable[[torch.dtype, torch.device], Contest]
MILLION = 1_000_000
WITH_MEMORY = ("gradient-7-of-1000000", "perceptron-1024-4096-1024", "check-layer-norm-20")
"""The workloads that are large enough for their memory to matter."""


def makers(quick: bool) -> Mapping[str, Maker]:
    """Every contest by its name; nothing is computed until one is made."""
    gradient = functools.partial(lesson_gradient.contest, quick=quick)
    found: dict[str, Maker] = {}
    for observations in (3, MILLION):
        for free in (3, 7):
            found[f"gradient-{free}-of-{observations}"] = functools.partial(gradient, observations, free)
    for observations in (3, MILLION):
        found[f"descent-of-{observations}"] = functools.partial(
            lesson_descent.contest, observations, quick_run=quick
        )
    found["perceptron-64-64-10"] = functools.partial(perceptrons.contest, False)
    found["perceptron-1024-4096-1024"] = functools.partial(perceptrons.contest, True)
    found["random-networks"] = functools.partial(comparing.random_networks, quick=quick)
    found["every-element"] = comparing.every_element
    return found


def own_makers() -> Mapping[str, Maker]:
    """The contests of --tricks, among ourselves: what each trick gains, and how far the floor is."""
    found = {**tricks.makers(MILLION), "floor": functools.partial(floor.contest, MILLION)}
    return {name: functools.partial(_on_the_processor, maker) for name, maker in found.items()}


def further_makers() -> Mapping[str, Maker]:
    """The contests that only --only asks for: other batches than the goal's, and the cost of the check."""
    found: dict[str, Maker] = {
        f"every-element-{rows}-rows": functools.partial(comparing.every_element, rows=rows)
        for rows in (4, 64)
    }
    return {**found, **cost_of_the_check.makers()}


def _on_the_processor(
    maker: Callable[[torch.dtype], Contest], dtype: torch.dtype, where: torch.device
) -> Contest:
    if where.type != "cpu":
        raise ValueError(f"the tricks are those of the CPU: expected --device cpu, found {where}")
    return maker(dtype)


def main(argv: Sequence[str] | None = None) -> int:
    """Hold the contests that were asked for and tell how they went."""
    options = _parse(argv)
    where = device(options.device)
    if options.peak_of:
        return _print_peak(options, where)
    if options.plot:
        from support.pictures import check_plot

        check_plot(options.plot)  # before minutes of work rather than after them
    from benchmarks import telling  # rich takes 0.1 s to import

    quiet = options.json or options.markdown
    if not quiet:
        print(telling.machine(where))
    results = []
    for result in _results(options, where):
        results.append(result)
        if quiet:
            print(f"{result.contest.name}, {result.dtype}: done", file=sys.stderr)
        else:
            telling.print_result(result)
    if options.json:
        print_json(telling.document(results, where), indent=2)
    if options.markdown:
        print(f"{telling.markdown(results)}\n\n{telling.machine(where)}")
    if options.plot:
        _plot(options, where)
    return AGREEMENT


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(prog="benchmark.py", description=__doc__)
    goals, own = list(makers(quick=True)), list(own_makers())
    parser.add_argument("--quick", action="store_true", help="fewer blocks, smaller tasks, no torch.compile")
    which = parser.add_mutually_exclusive_group()
    names = [*goals, *own, *further_makers()]
    which.add_argument(
        "--only", action="append", choices=names, metavar="NAME", help=f"repeatable; {', '.join(names)}"
    )
    which.add_argument(
        "--tricks",
        action="store_const",
        const=own,
        dest="only",
        help="hold each fast way against the plain one, and against the floor, instead of the peers",
    )
    parser.add_argument("--dtype", choices=[*DTYPES, "both"], default="both", help="(default: %(default)s)")
    parser.add_argument("--device", default="cpu", help="such as cpu or cuda (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--markdown", action="store_true", help="print the table of goals in Markdown")
    parser.add_argument("--plot", metavar="DIR", help="draw time against size into DIR/speed-DTYPE.png")
    parser.add_argument("--no-memory", action="store_true", help="measure no peak memory")
    parser.add_argument("--peak-of", metavar="CONTESTANT", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.json and options.markdown:
        parser.error("--json and --markdown both print to standard output: choose one")
    options.only = options.only or goals
    options.dtypes = list(DTYPES)[::-1] if options.dtype == "both" else [options.dtype]
    return options


def _results(options: argparse.Namespace, where: torch.device) -> Iterator[Result]:
    known = {**makers(options.quick), **own_makers(), **further_makers()}
    for dtype in options.dtypes:
        for name in options.only:
            if name.startswith("every-element") and dtype == "float32" and "float64" in options.dtypes:
                continue  # gradcheck works in float64 only
            result = hold(known[name](DTYPES[dtype], where), dtype, 3 if options.quick else 11, where)
            if name in WITH_MEMORY and not options.no_memory and where.type == "cpu":
                from benchmarks.memory import peak_in_fresh_process

                names = {who.name for who in result.contest.peers}
                for who in (result.contest.ours.name, *sorted({"autograd eager", PASS} & names)):
                    peak = peak_in_fresh_process(name, who, dtype)
                    if peak is not None:
                        result.memory[who] = peak
            yield result


def _print_peak(options: argparse.Namespace, where: torch.device) -> int:
    from benchmarks.memory import print_peak

    known = {**makers(quick=True), **further_makers()}
    contest = known[options.only[0]](DTYPES[options.dtypes[0]], where)
    [contestant] = [who for who in (contest.ours, *contest.peers) if who.name == options.peak_of]
    print_peak(contestant)
    return AGREEMENT


def _plot(options: argparse.Namespace, where: torch.device) -> None:
    from benchmarks.picture import SIZES, draw

    for dtype in options.dtypes:
        contests = (
            lesson_gradient.contest(size, 7, DTYPES[dtype], where, options.quick)
            for size in SIZES[: 5 if options.quick else None]
        )
        results = [hold(one, dtype, 3, where) for one in contests]
        try:
            draw(results, Path(options.plot) / f"speed-{dtype}.png")
        except OSError as error:
            raise OSError(error.errno, error.strerror or str(error), f"--plot {options.plot}") from None


if __name__ == "__main__":
    run(main)
