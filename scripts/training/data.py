"""Tensors for the training, the validation and the test, from the chosen columns of a table."""

import argparse
import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from reading.columns import check_columns, say_assumed
from reading.tables import Table, read_table
from support.options import DTYPES, device
from training.named import NAMED, named_table


class Part(NamedTuple):
    """Rows: inputs (n, k), targets (n, m) of numbers or (n) of classes."""

    inputs: Tensor
    targets: Tensor


class Data(NamedTuple):
    """The three parts, the names behind the widths, and what tells these data from others."""

    training: Part
    validation: Part
    test: Part
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]  # columns, or the classes
    is_classes: bool
    fingerprint: str


def load(options: argparse.Namespace) -> Data:
    """Read, choose the columns, split by the seed, and standardise by the training part on request."""
    table = named_table(options.data) if options.data in NAMED else read_table(options.data)
    outputs, is_classes = _targets(table, options)
    inputs = options.inputs or tuple(name for name in table.columns if name not in outputs)
    check_columns("--inputs", inputs, table.source, list(table.columns))
    both = [name for name in inputs if name in outputs]
    if both or not inputs:
        raise ValueError(f"--inputs: expected columns besides {', '.join(outputs)}, found {both or 'none'}")
    if table.told:
        say_assumed(table.source, f"{table.told}; inputs {', '.join(inputs)}; outputs {', '.join(outputs)}")
    features = _columns(table, inputs, options)
    if is_classes:
        cells = table.columns[outputs[0]]
        titles = _classes(cells)
        targets = torch.tensor([titles.index(cell) for cell in cells]).to(options.device)
    else:
        titles, targets = outputs, _columns(table, outputs, options)
    parts = [rows.to(features.device) for rows in _split(len(features), options)]
    if is_classes:
        _check_classes(cells, parts, table)
    if options.standardise:
        features = _standardised(features, parts[0])
        targets = targets if is_classes else _standardised(targets, parts[0])
    split = [Part(features[rows], targets[rows]) for rows in parts]
    chosen = (table.fingerprint, inputs, outputs, is_classes, options.standardise)
    shares = (options.validation, options.test, options.seed, options.dtype)
    fingerprint = hashlib.sha256(repr((chosen, shares)).encode()).hexdigest()
    return Data(*split, inputs, titles, is_classes, fingerprint)


def _targets(table: Table, options: argparse.Namespace) -> tuple[tuple[str, ...], bool]:
    """The output columns, and whether they are one column of classes."""
    if options.class_column:
        check_columns("--class", (options.class_column,), table.source, list(table.columns))
        return (options.class_column,), True
    if options.outputs:
        check_columns("--outputs", options.outputs, table.source, list(table.columns))
        return options.outputs, False
    last = list(table.columns)[-1]
    return (last,), options.data in NAMED and last == "class"


def _classes(cells: Sequence[str]) -> tuple[str, ...]:
    """In the order of the numbers if they are numbers, else of the alphabet."""
    try:
        return tuple(sorted(set(cells), key=float))
    except ValueError:
        return tuple(sorted(set(cells)))


def _columns(table: Table, names: Sequence[str], options: argparse.Namespace) -> Tensor:
    found = torch.tensor([_numbers(table, name) for name in names], dtype=DTYPES[options.dtype]).mT
    if not found.isfinite().all():
        raise ValueError(f"{table.source}: a number in {', '.join(names)} overflows {options.dtype}")
    return found.contiguous().to(device(options.device))


def _numbers(table: Table, name: str) -> list[float]:
    """A column as numbers; where it holds other things, they may be meant as classes."""
    try:
        return table.numbers(name)
    except ValueError as error:
        raise ValueError(f"{error} (--class {name} takes a column of classes)") from None


def _split(rows: int, options: argparse.Namespace) -> list[Tensor]:
    """Row numbers of the training, the validation and the test."""
    validation, test = round(rows * options.validation), round(rows * options.test)
    training = rows - validation - test
    if training < 1:
        raise ValueError(f"--validation and --test leave {training} of {rows} rows to train on")
    order = torch.randperm(rows, generator=torch.Generator().manual_seed(options.seed))
    return list(order.split([training, validation, test]))


def _check_classes(cells: Sequence[str], parts: Sequence[Tensor], table: Table) -> None:
    seen = {cells[row] for row in parts[0].tolist()}
    for part in parts[1:]:
        for row in part.tolist():
            if cells[row] not in seen:
                raise ValueError(
                    f"{table.source}, line {table.lines[row]}: the class {cells[row]!r} was never seen in "
                    "training: another --seed, or smaller --validation and --test, may help"
                )
    if len(seen) < 2:
        raise ValueError(f"{table.source}: expected at least two classes to train on, found {len(seen)}")


def _standardised(values: Tensor, training: Tensor) -> Tensor:
    """To mean 0 and standard deviation 1 over the training rows; a constant column is only shifted."""
    deviation = values[training].std(0, correction=0)
    return (values - values[training].mean(0)) / torch.where(deviation > 0, deviation, 1.0)
