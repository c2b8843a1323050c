"""The networks that compare_gradients.py is asked to look at, in batches."""

import argparse
import sys
from collections.abc import Iterator

import torch

from comparing.random_networks import Batch, batch_of, batches
from support.lesson_options import choose
from support.options import DTYPES, device


def chosen_networks(options: argparse.Namespace) -> Iterator[Batch]:
    """One network, unless --random asks for more; --set and --data hold for all of them."""
    chosen = choose(options)
    inputs, observed = chosen.inputs.unsqueeze(0), chosen.observed.unsqueeze(0)
    if options.random is None:
        yield Batch(
            0, {name: value.unsqueeze(0) for name, value in chosen.parameters.items()}, inputs, observed
        )
        return
    for batch in _random_batches(options):
        given = {name: chosen.parameters[name].expand(len(batch)) for name, _ in options.set}
        parameters = {**batch.parameters, **given}
        if options.data:
            size = (len(batch), inputs.shape[-1])
            yield Batch(batch.first, parameters, inputs.expand(size), observed.expand(size))
        else:
            yield Batch(batch.first, parameters, batch.inputs, batch.observed)


def _random_batches(options: argparse.Namespace) -> Iterator[Batch]:
    dtype, where = DTYPES[options.dtype], device(options.device)
    torch.set_num_threads(1)  # a batch fits the cache of one core; two threads were four times slower
    if options.case is not None:
        yield batch_of(options.case, options.seed, dtype, where)
        return
    drawn = batches(options.random, options.seed, dtype, where)
    if not sys.stderr.isatty():
        yield from drawn
        return
    from support.progress_bar import progress

    yield from progress(drawn, options.random, "networks")
