"""The state of torch's generator, which all threads share, read and put back by one thread at a time.

torch reads it with the generator locked, and makes a tensor of it meanwhile: if Python collects garbage then,
another thread may run, and wait for the generator without letting this one go on. So both would stand for
ever, were it not for a lock of ours, which a thread waits for without holding Python's.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

_lock = threading.RLock()


def generator_state() -> Tensor:
    """Where torch's generator stands."""
    with _lock:
        return torch.get_rng_state()


def put_generator(state: Tensor) -> None:
    """Let it stand there."""
    with _lock:
        torch.set_rng_state(state)


@contextmanager
def generator_unmoved() -> Iterator[None]:
    """Afterwards it stands where it stood."""
    state = generator_state()
    try:
        yield
    finally:
        put_generator(state)


@contextmanager
def generator_at(state: Tensor) -> Iterator[None]:
    """Meanwhile it goes on from this state, for one thread at a time; afterwards it stands as before."""
    with _lock, generator_unmoved():
        torch.set_rng_state(state)
        yield
