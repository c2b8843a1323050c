"""Train a perceptron by manual gradients, in one process or, under torchrun, in several."""

from support.ending import AGREEMENT, MISMATCH, Parser, run

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from manual_backprop.layers.table import ACTIVATIONS
from manual_backprop.networks import perceptron
from manual_backprop.networks.perceptron import Perceptron
from ranks.joining import Ranks, joined, own, seconds
from ranks.likeness import check_alike
from scaling.data_parallel_checkpoint import OPTIMISERS, PROGRAM, State, check_finite, described, load, save
from scaling.data_parallel_data import batch_of, identity_of, rows_of
from scaling.data_parallel_gradient import loss_and_gradients
from support.atomic_files import check_file
from support.json_documents import print_json
from support.options import device

ALIKE = ("steps", "check", "resume", "every", "timeout")
"""Options that every process needs to have in common, besides those that decide the numbers."""


def main(argv: Sequence[str] | None = None) -> int:
    """Train, and print the loss as it falls; 0, or 1 if --check finds a gradient that is not DDP's."""
    options = _parse(argv)
    options.device = own(device(options.device))
    torch.set_num_threads(1)
    network = perceptron.perceptron(options.widths, _activations(options))
    rows, identity = rows_of(options), identity_of(options)
    description = {"program": PROGRAM, **identity, **{name: getattr(options, name) for name in ALIKE}}
    with joined(options.timeout, options.device, description) as ranks:
        if options.checkpoint and ranks.rank == 0:
            check_file(options.checkpoint, f"--checkpoint {options.checkpoint}")
        state = _start(options, network, identity)
        if ranks.size > 1:  # each process reads the checkpoint for itself
            check_alike({"the first step": state.step, **described(state)}, *ranks, options.device)
        check = None
        if options.check:
            from scaling.data_parallel_check import disagreement

            check = disagreement(options, network, state.parameters, batch_of(options, rows, 0), ranks)
        losses = []
        while state.step < options.steps:
            loss, state = _step(options, network, state, batch_of(options, rows, state.step), ranks)
            losses.append(loss)
            if ranks.rank == 0:
                _report(options, state, loss, identity)
    if ranks.rank == 0 and options.json:
        document = {"processes": ranks.size, "losses": losses, "disagreement": check, "steps": state.step}
        print_json(document)
    elif ranks.rank == 0 and options.check:
        whom = "DistributedDataParallel" if ranks.size > 1 else "autograd"
        print(f"MISMATCH: {check}" if check else f"AGREEMENT with {whom}, to within rounding.")
    return MISMATCH if check else AGREEMENT


def _step(
    options: argparse.Namespace, network: Perceptron, state: State, batch: Tensor, ranks: Ranks
) -> tuple[float, State]:
    """One step on this process's rows of the batch, by the gradient of the mean over all its rows."""
    mine = batch[ranks.rank :: ranks.size]
    inputs, targets = mine[:, : options.widths[0]], mine[:, options.widths[0] :]
    loss, gradients = loss_and_gradients(network, state.parameters, inputs, targets, ranks)
    mean = {name: gradient / len(batch) for name, gradient in gradients.items()}
    optimiser, _ = OPTIMISERS[options.optimiser]
    parameters, memory = optimiser(state.parameters, mean, state.memory, learning_rate=options.learning_rate)
    after = State(state.step + 1, parameters, memory)
    check_finite(after, loss, gradients)  # the same in every process: all of them stop
    return loss.item() / len(batch), after


def _report(options: argparse.Namespace, state: State, loss: float, identity: Mapping[str, object]) -> None:
    last = state.step == options.steps
    if state.step % options.every == 0 or last:
        if options.checkpoint:
            save(state, options.checkpoint, identity)
        if not options.json:
            print(f"step {state.step}: SSR per row {loss:.6g}", flush=True)


def _start(options: argparse.Namespace, network: Perceptron, identity: Mapping[str, object]) -> State:
    if options.resume:
        return load(options.checkpoint, identity, options.optimiser, options.device)
    generator = torch.Generator().manual_seed(options.seed)
    parameters = perceptron.initial_parameters(network, generator)
    return State(0, {name: value.to(options.device) for name, value in parameters.items()}, {})


def _activations(options: argparse.Namespace) -> list[str | None]:
    return [options.activation] * (len(options.widths) - 2) + [None]


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(prog="data_parallel.py", description=__doc__)
    add = parser.add_argument
    add("--widths", type=_widths, default=[8, 64, 64, 1], metavar="8,64,64,1", help="from inputs to outputs")
    add(
        "--activation",
        choices=ACTIVATIONS,
        default="softplus",
        help="between the layers (default: %(default)s)",
    )
    add("--data", metavar="FILE.npy", help="(n, inputs + outputs) numbers; without it, random ones")
    add("--rows", type=int, default=10_000, help="of random data (default: %(default)s)")
    add(
        "--batch-size",
        dest="batch",
        type=int,
        default=256,
        help="rows of a step, of all processes (default: %(default)s)",
    )
    add("--steps", type=int, default=200, help="(default: %(default)s)")
    add("--optimiser", choices=OPTIMISERS, default="adam", help="(default: %(default)s)")
    add("--learning-rate", type=float, default=0.001, metavar="RATE", help="(default: %(default)s)")
    add("--seed", type=int, default=0, help="of the start and of random data (default: %(default)s)")
    add("--checkpoint", type=Path, metavar="FILE", help="written by the first process, whole or not at all")
    add("--every", type=int, default=50, metavar="N", help="steps between checkpoints (default: %(default)s)")
    add("--resume", action="store_true", help="go on from the checkpoint")
    add("--check", action="store_true", help="compare the first gradient with DistributedDataParallel's")
    add("--device", default="cpu", help="such as cpu or cuda (default: %(default)s)")
    add(
        "--timeout",
        type=seconds,
        default=60.0,
        metavar="S",
        help="wait so long for other processes (default: 60)",
    )
    add("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    for name in ("rows", "batch", "steps", "every"):
        if not getattr(options, name) > 0:
            parser.error(f"--{name}: expected more than 0, found {getattr(options, name)}")
    if options.resume and not options.checkpoint:
        parser.error("--resume needs --checkpoint")
    return options


def _widths(text: str) -> list[int]:
    try:
        return [int(width) for width in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected whole numbers such as 8,64,1, found {text!r}") from None


if __name__ == "__main__":
    run(main)
