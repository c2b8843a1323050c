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


def own(device: torch.device) -> torch.device:
    """The GPU of this process: torchrun numbers the processes of a machine, and each takes one."""
    if device.type == "cuda" and device.index is None:
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return device


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
    if device.type == "cuda":
        torch.cuda.set_device(device)  # nccl sends from the current one
    try:
        distributed.init_process_group(backend, timeout=timedelta(seconds=timeout))
        yield Ranks(rank, size)
        distributed.barrier()  # nobody leaves while another still waits for its message
        distributed.destroy_process_group()
    except RuntimeError as error:
        if not (isinstance(error, distributed.DistError) or "gloo" in str(error).lower()):
            raise  # not a matter of sending
        late = "timed out" in str(error).lower() or "timeout" in str(error).lower()
        reason = f"no message for {timeout:g} seconds" if late else "its connection closed"
        raise ValueError(f"rank {rank} of {size} stops, for another process was lost: {reason}") from None
