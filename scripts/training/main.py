"""train.py for a perceptron: load, train in lockstep, show, and say whether the witnesses agree."""

from support.ending import AGREEMENT, MISMATCH

import contextlib
from collections.abc import Sequence

import torch

from support.json_documents import print_json
from training.arguments import parse
from training.data import load
from training.report import document
from training.run import Run, Watcher
from training.setup import set_up


def main(argv: Sequence[str]) -> int:
    """Print the training and the verdict; 0 if the witnesses agree, 1 if not."""
    options = parse(argv)
    torch.set_num_threads(1)  # a second thread costs more than it brings
    data = load(options)
    setup = set_up(options, data)
    run = Run(setup, data, options)
    watchers: list[Watcher] = run.watchers
    with contextlib.ExitStack() as stack:
        pictures = None
        if options.plot:
            from training.pictures import Pictures

            watchers.append(pictures := Pictures(options.plot))
        if options.log:
            from training.log import Log

            run.log = stack.enter_context(Log(options.log, run.logged, is_resumed=run.point.epoch > 0))
            watchers.append(run.log)
        if options.tensorboard:
            from training.board import Board

            watchers.append(stack.enter_context(Board(options.tensorboard)))
        from training.screen import Screen, print_outcome

        screen = Screen(options, data, setup)
        watchers.append(stack.enter_context(screen))
        outcome = run.train()
    found = document(setup, data, options, outcome)
    if options.json:
        print_json(found)
    else:
        print_outcome(found)
    if pictures:
        pictures.draw()
    return AGREEMENT if found["agree"] else MISMATCH
