"""Write as many observations as you like, of a network that is known: the lesson's, with noise."""

from support.ending import AGREEMENT, Parser, run

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from manual_backprop import forward, lesson
from support.atomic_files import check_file, naming, replacing
from support.installed_packages import require

ROWS = 2**18
NAMES = ("dosage", "effectiveness")
TRUTH = {"w3": -1.22, "w4": -2.30, "b3": 2.61}
"""The output layer of the data, near the end of the lesson's descent."""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the file, whole or not at all."""
    parser = Parser(prog="generate.py", description=__doc__)
    parser.add_argument("count", type=int, help="number of observations")
    parser.add_argument("file", type=Path, help="ends in .npy, .csv or .parquet")
    parser.add_argument("--noise", type=float, default=0.1, help="standard deviation (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(default: %(default)s)")
    options = parser.parse_args(argv)
    if options.count < 1:
        parser.error(f"count: expected at least 1, found {options.count}")
    if not 0 <= options.noise < math.inf:
        parser.error(f"--noise: expected a finite number of at least 0, found {options.noise:g}")
    if options.seed < 0:
        parser.error(f"--seed: expected 0 or more, found {options.seed}")
    if options.file.suffix not in WRITERS:
        parser.error(f"file: expected one of {', '.join(WRITERS)}, found {options.file.name}")
    if not options.file.parent.is_dir():
        raise ValueError(f"{options.file.parent}: no such folder")
    check_file(options.file, str(options.file))
    torch.set_num_threads(1)
    name, writer = str(options.file), WRITERS[options.file.suffix]
    with naming(name), replacing(options.file) as part, writer(part, options.count) as write:
        for block in _blocks(options):
            write(block)
    return AGREEMENT


def _blocks(options: argparse.Namespace) -> Iterator[np.ndarray]:
    generator = np.random.default_rng(options.seed)
    parameters = {name: torch.tensor(TRUTH.get(name, value)).double() for name, value in lesson.START.items()}
    for first in range(0, options.count, ROWS):
        inputs = torch.from_numpy(generator.random(min(ROWS, options.count - first)))
        noise = options.noise * generator.standard_normal(len(inputs))
        predicted = forward(parameters, inputs, inputs).predicted
        yield np.stack([inputs.numpy(), predicted.numpy() + noise], 1)


Writer = Callable[[np.ndarray], None]


@contextmanager
def _npy(path: Path, count: int) -> Iterator[Writer]:
    with path.open("wb") as file:
        header = {"descr": "<f8", "fortran_order": False, "shape": (count, 2)}
        np.lib.format.write_array_header_1_0(file, header)
        yield lambda block: block.astype("<f8").tofile(file)


@contextmanager
def _csv(path: Path, count: int) -> Iterator[Writer]:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(NAMES) + "\n")
        yield lambda block: file.writelines(f"{x!r},{y!r}\n" for x, y in block.tolist())


@contextmanager
def _parquet(path: Path, count: int) -> Iterator[Writer]:
    arrow, parquet = require("pyarrow", "big"), require("pyarrow.parquet", "big")
    schema = arrow.schema([(name, arrow.float64()) for name in NAMES])
    with parquet.ParquetWriter(path, schema, write_page_checksum=True) as writer:
        yield lambda block: writer.write_table(arrow.table(list(block.T.copy()), schema=schema))


WRITERS = {".npy": _npy, ".csv": _csv, ".parquet": _parquet}

if __name__ == "__main__":
    run(main)
