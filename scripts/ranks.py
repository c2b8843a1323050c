"""The processes that torchrun starts, one of them, and what a process says when another is lost."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

import torch


class Ranks(NamedTuple):
    """Which of the processes this one is, and how many they are."""

    rank: int
    size: int


@contextmanager
def joined(timeout: float, device: torch.device) -> Iterator[Ranks]:
    """Join the process group that torchrun describes in the environment; alone where it describes none.

    Errors: ValueError in one line where another process is lost, or silent for longer than timeout seconds
    """
    if "WORLD_SIZE" not in os.environ:
        yield Ranks(0, 1)
        return
    from torch import distributed

    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    backend = "nccl" if device.type == "cuda" else "gloo"
    try:
        distributed.init_process_group(backend, timeout=timedelta(seconds=timeout))
        yield Ranks(rank, size)
        distributed.barrier()  # nobody leaves while another still waits for its message
        distributed.destroy_process_group()
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"rank {rank} of {size} lost another process and stops: {reason}") from None
