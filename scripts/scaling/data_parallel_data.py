"""The rows of a data-parallel training: those of a file, or random ones; a mini-batch for each step."""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from keeping.fingerprints import fingerprint
from reading.npy_files import npy_file


def rows_of(options: argparse.Namespace) -> np.ndarray:
    """The data: a memory map of the file, or random inputs with the sine of their sum."""
    columns = options.widths[0] + options.widths[-1]
    if options.data is None:
        generator = np.random.default_rng(options.seed)
        inputs = generator.standard_normal((options.rows, options.widths[0]))
        phases = np.arange(options.widths[-1])
        return np.concatenate([inputs, np.sin(inputs.sum(1, keepdims=True) + phases)], 1)
    file = npy_file(Path(options.data))
    if len(file.shape) != 2 or file.shape[1] != columns or file.shape[0] == 0:
        raise ValueError(
            f"{options.data}: expected numbers of shape (n, {columns}) for these widths, "
            f"found {file.shape} of {file.dtype}"
        )
    return file.mapped()


def identity_of(options: argparse.Namespace) -> dict[str, object]:
    """What decides a training's numbers: the same in every process, and in the run that is resumed."""
    random = f"{options.rows} random rows"
    data = fingerprint(Path(options.data)) if options.data else random
    return {
        "data": data,
        "widths": list(options.widths),
        "activation": options.activation,
        "optimiser": options.optimiser,
        "learning rate": options.learning_rate,
        "batch size": options.batch,
        "seed": options.seed,
    }


def batch_of(options: argparse.Namespace, rows: np.ndarray, step: int) -> Tensor:
    """The rows of a step, whatever the number of processes; after the last row comes the first."""
    places = np.arange(step * options.batch, (step + 1) * options.batch) % len(rows)
    with np.errstate(over="ignore"):  # a wider float that overflows is not finite
        batch = np.asarray(rows[places], dtype=np.float64)
    wrong = ~np.isfinite(batch).all(1)
    if wrong.any():
        row = int(places[wrong.argmax()])
        where = f"{options.data or 'the random rows'}, row {row}"
        raise ValueError(f"{where}: expected finite numbers, found NaN or infinity, at step {step}")
    return torch.from_numpy(batch).to(options.device)
