"""compare_gradients.py --derivation without --model: a derivation for the lesson's network."""

from support.ending import UsersCodeError

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from comparing.another_number import remark
from comparing.chosen_networks import chosen_networks
from comparing.derivation_option import isolated
from comparing.derivation_report import located, status_of, tell
from comparing.lesson_task import lesson_task
from comparing.random_networks import Batch
from comparing.textbook_form import is_beyond
from isolation.derivation import IsolatedDerivation
from isolation.named import parse
from torch_reference.check.examine import examine, examine_here
from torch_reference.counterexample.network import script, shrunk, write
from torch_reference.judging.derivation_task import Task
from torch_reference.judging.report import Report
from torch_reference.lesson.named_network import NamedLessonNetwork, sum_of_squared_residuals
from torch_reference.lesson.network import PARAMETERS

FACTORY = "torch_reference.lesson.named_network:lesson_networks"
"""What a counterexample makes the network with; the names of --wrt follow."""


def compare_with_the_lesson(options: argparse.Namespace) -> int:
    """Check the derivation at one network or at many, print the report, and give the exit status."""
    with isolated(options) as derivation:
        try:
            number, task, report, beyond = _judged(chosen_networks(options), derivation, options)
        except TypeError as error:
            raise UsersCodeError(f"{options.derivation}: {error}") from None
        report = _located(report, task, options)
        more: dict[str, Any] = {} if options.random is None else {"case": number, "left_out": beyond}
        note = remark(task, derivation, options) if report.agrees and options.random is None else ""
        if note:
            more["remarks"] = [*report.to_dict()["remarks"], note]
        tell(report, derivation, options, **more)
        if note and not options.json:
            print(note)
        if not options.json and (report.agrees or not options.fix):
            _tell_more(number, task, report, beyond, options)
        if options.counterexample and not report.agrees:
            path, named = Path(options.counterexample), parse("--derivation", options.derivation)
            module = Path(named.module).stem if named.is_file else named.module
            factory = f"{FACTORY}.{'_'.join(options.wrt)}"
            write(path, script(shrunk(task), factory, f"{module}:{named.attribute}"))
            print(f"a small counterexample is in {path}", file=sys.stderr)
        return status_of(report, derivation, options)


def _located(report: Report, task: Task, options: argparse.Namespace) -> Report:
    parameters = {name: task.point[name] for name in PARAMETERS}
    network = NamedLessonNetwork(parameters, options.wrt, options.softplus_threshold)
    data = task.point["inputs"], task.point["targets"]
    return located(report, task, network, sum_of_squared_residuals, *data, options)


def _judged(
    batches: Iterable[Batch], derivation: IsolatedDerivation, options: argparse.Namespace
) -> tuple[int, Task, Report, int]:
    """The first network at which it is wrong, or the last one, and how many were left out.

    Left out of many networks is one at which the textbook's form is not good enough: a homework is written
    in it. One that is asked for by its number is judged.
    """
    many, beyond, last = options.random is not None and options.case is None, 0, None
    for batch in batches:
        for row in range(len(batch)):
            parameters = {name: value[row] for name, value in batch.parameters.items()}
            data = (batch.inputs[row], batch.observed[row])
            task = lesson_task(derivation, parameters, *data, options.wrt, options.softplus_threshold)
            report = examine_here(task, draws=0) if many else examine(task)
            if many and not report.agrees and is_beyond(task, options.wrt, options.softplus_threshold):
                beyond += 1
                continue
            last = (batch.first + row, task, report)
            if not report.agrees:
                return *last[:2], examine(task) if many else report, beyond
    if last is None:
        raise ValueError(
            f"--random {options.random}: the textbook's log(1 + exp(x)) overflows at every one of them, or "
            "loses its digits: expected more networks"
        )
    return *last, beyond


def _so_many(judged: int, seed: int) -> str:
    if judged == 1:
        return f"judged at one random network of seed {seed}"
    return f"and so at all {judged:,} random networks of seed {seed}"


def _tell_more(number: int, task: Task, report: Report, beyond: int, options: argparse.Namespace) -> None:
    """Where it was judged, and the numbers that --links and --explain ask for."""
    if options.random is not None and options.case is None:
        if report.agrees:
            print(_so_many(options.random - beyond, options.seed))
        else:
            print(f"\nAt network {number} of seed {options.seed}; to run it again, add --case {number}.")
    elif not report.agrees and is_beyond(task, options.wrt, options.softplus_threshold):
        print("\nAt this network the textbook's log(1 + exp(x)) overflows or loses its digits.")
    if beyond:
        print(
            f"left out: {beyond:,} at which the textbook's log(1 + exp(x)) overflows or loses its\n"
            "    digits; --case K judges one of them"
        )
    if options.links or options.explain:
        from comparing.own_numbers import print_numbers

        print_numbers(task, report, options)
