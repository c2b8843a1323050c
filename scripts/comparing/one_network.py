"""What is said of one network before its derivatives: its SSR, its parameters, its numbers."""

import argparse
import textwrap
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from comparing.comparison_rows import Finding
from comparing.derivation_in_numbers import in_numbers
from comparing.derivation_in_numbers_table import text_of
from manual_backprop import PARAMETERS, forward
from manual_backprop.lesson.network import Trace
from support.lesson_options import told_start
from support.options import DTYPES


def told_network(
    parameters: Mapping[str, float],
    inputs: Sequence[float],
    observed: Sequence[float],
    options: argparse.Namespace,
    width: int,
) -> list[str]:
    """The SSR and where it is taken; with --explain the whole derivation in numbers."""
    trace = _trace(parameters, inputs, observed, DTYPES[options.dtype])
    values = ", ".join(f"{name} = {parameters[name]:g}" for name in PARAMETERS)
    start = told_start(options)
    why = f" ({start})" if start else ""
    where = f"SSR = {trace.ssr.item():.8g} at {values}{why}"
    # A no-break space keeps a name and its value on one line.
    whole = textwrap.wrap(where.replace(" = ", "\xa0=\xa0"), width, break_on_hyphens=False)
    lines = [line.replace("\xa0", " ") for line in whole]
    return [*lines, "", text_of(in_numbers(trace, options.wrt), width)] if options.explain else lines


def told_observation(links: Sequence[Finding], width: int) -> str:
    """Which observation the links' numbers belong to."""
    one = links[0]
    places = [finding.row.index[-1] for finding in links]
    place = max(set(places), key=places.count)
    worst = ", where they differ most" if any(finding.row.difference for finding in links) else ""
    text = f"Links at observation {place + 1} of {len(one.inputs)}, [{place}]{worst}: "
    text += f"Input = {one.inputs[place]:g}, Observed = {one.observed[place]:g}."
    if set(places) != {place}:
        text += " A link that is wrong at others only is shown at the worst of those."
    return textwrap.fill(text, width)


def _trace(
    parameters: Mapping[str, float], inputs: Sequence[float], observed: Sequence[float], dtype: torch.dtype
) -> Trace:
    def tensor(values: float | Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=dtype)

    return forward(
        {name: tensor(value) for name, value in parameters.items()}, tensor(inputs), tensor(observed)
    )
