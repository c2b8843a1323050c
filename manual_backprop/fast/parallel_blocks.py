"""A sum over many observations, block by block: each block fits the cache, and every core takes some of them.

Blocks are cut where they are cut, and added in their order, however many threads there are: the sum is the
same, bit for bit, on one core and on a hundred.
"""

import functools
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import torch

BLOCK = 1 << 14
"""Observations of a block: some ten intermediates of it fit the cache of a core."""

PARALLEL = 1 << 16
"""Observations from which a second thread pays: waking it takes 50 µs."""


def in_parallel(work: Callable[[int, int], object], n: int) -> None:
    """Call work(first, last) until all of n observations are done; every share begins where a block does.

    The threads are Python's: what they call must let go of the interpreter's lock, as a C function does and
    a torch operation too. torch's own threads would share each single operation, and wait for each other
    after it. What no thread takes is done here.
    """
    threads = torch.get_num_threads() if n >= PARALLEL else 1
    if threads == 1:
        work(0, n)
        return
    share = -(-n // (BLOCK * threads)) * BLOCK
    shares = [(first, min(first + share, n)) for first in range(0, n, share)]
    futures = [_handed_out(threads, work, limits) for limits in shares]
    for limits, future in zip(shares, futures, strict=True):
        if future is None:
            work(*limits)
    for future in futures:
        if future is not None:
            future.result()  # the first error of a thread is raised here


def _handed_out(
    threads: int, work: Callable[[int, int], object], limits: tuple[int, int]
) -> "Future[object] | None":
    """A thread's promise to do a share, or None where no thread can be had.

    Python refuses new work once the interpreter is about to end (in atexit, and in daemon threads that are
    still at work then), and a system has a largest number of threads.
    """
    try:
        return _pool(threads).submit(work, *limits)
    except RuntimeError:
        return None


@functools.cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="manual_backprop")


def forget_threads() -> None:
    """What a forked child does first: it inherits the pool, but none of its threads."""
    _pool.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_threads)
