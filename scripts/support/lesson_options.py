"""The network and the data that the options choose."""

import argparse
from typing import NamedTuple

from torch import Tensor

from manual_backprop import PARAMETERS, lesson
from reading.columns import Observations, read_observations
from support.options import to_tensor


class Chosen(NamedTuple):
    """Parameters of shape (), and data of shape (n)."""

    parameters: dict[str, Tensor]
    inputs: Tensor
    observed: Tensor


def observations(options: argparse.Namespace) -> Observations:
    """The columns of --data that --inputs and --outputs name, or the lesson's data."""
    if options.data:
        return read_observations(options.data, options.inputs, options.outputs)
    if options.inputs or options.outputs:
        raise ValueError("--inputs and --outputs: expected --data FILE.csv beside them, found none")
    return Observations(lesson.INPUTS, lesson.OBSERVED, ("dosage", "effectiveness"))


def choose(options: argparse.Namespace, found: Observations | None = None) -> Chosen:
    """The lesson's start, or its follow-up's where all seven parameters move, with --set; and --data.

    found are the observations, where they have been read already.
    """
    where = options.data or "the lesson's data"
    found = found or observations(options)
    inputs, observed = (to_tensor(column, options, where) for column in (found.inputs, found.observed))
    start = start_of(options)
    values = {name: to_tensor([value], options, name).squeeze(0) for name, value in start.items()}
    values |= {name: to_tensor([value], options, f"--set {name}").squeeze(0) for name, value in options.set}
    return Chosen(values, inputs, observed)


def start_of(options: argparse.Namespace) -> dict[str, float]:
    """The lesson's start, or its follow-up's where all seven parameters are asked for.

    At the lesson's own start w1 to b2 are optimal already, so that there is little to learn for them.
    """
    return lesson.START_OF_ALL_SEVEN if set(options.wrt) == set(PARAMETERS) else lesson.START


def told_start(options: argparse.Namespace) -> str:
    """Where a network starts, in words; empty where it is drawn."""
    if getattr(options, "random", None) is not None or getattr(options, "init", "lesson") == "random":
        return ""
    seven = set(options.wrt) == set(PARAMETERS)
    where = "where the lesson's follow-up starts all seven" if seven else "where the lesson starts"
    return f"{where}{', but for --set' if options.set else ''}"
