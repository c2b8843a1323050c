"""Threads that read the state of torch's generator, which they share, do not stop each other for ever."""

import gc
import itertools
import threading
from contextlib import AbstractContextManager
from typing import Any

import pytest
import torch

from processes import PATIENCE, SERVER
from torch_reference.layers import LAYERS
from torch_reference.layers.generator_state import generator_at, generator_unmoved

ROUNDS = 2000


def three_threads() -> None:
    """Each reads it again and again, and leaves garbage that only a collection finds."""
    gc.set_threshold(5)
    there = torch.get_rng_state()

    def read() -> None:
        for _ in range(ROUNDS):
            with around():
                kept: list[Any] = [torch.zeros(1)]
                kept.append(kept)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torch.equal(torch.get_rng_state(), there)


def around() -> AbstractContextManager[None]:
    """What is tried: by turns as the check does, and as the reference's dropout."""
    return next(WAYS)()


WAYS = itertools.cycle([generator_unmoved, lambda: generator_at(START)])
START = torch.get_rng_state()


@pytest.mark.slow
def test_threads_that_read_the_generator_let_each_other_go_on() -> None:
    """In a process of its own: one that stands still holds Python's lock, and nobody could say so."""
    process = SERVER.Process(target=three_threads, daemon=True)
    process.start()
    process.join(PATIENCE)
    ended = process.exitcode
    process.kill()
    assert ended == 0


def test_dropout_draws_the_mask_of_the_state_that_it_is_given_and_leaves_the_generator() -> None:
    """Whatever was drawn before."""
    state, ones = torch.get_rng_state(), {"input": torch.ones(50)}
    first = LAYERS["dropout"](ones, state, 0.5)
    torch.rand(3)
    there = torch.get_rng_state()
    assert torch.equal(LAYERS["dropout"](ones, state, 0.5), first)
    assert torch.equal(torch.get_rng_state(), there)
