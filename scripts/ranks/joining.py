"""The processes that torchrun starts, one of them, and what a process says when another is lost."""

import argparse
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

import torch

from ranks.likeness import check_alike
from ranks.orphans import end_with_torchrun

LONGEST_WAIT = 10**6
"""Seconds, of --timeout: eleven days."""


class Ranks(NamedTuple):
    """Which of the processes this one is, and how many they are."""

    rank: int
    size: int


def own(device: torch.device) -> torch.device:
    """The GPU of this process: torchrun numbers the processes of a machine, and each takes one."""
    if device.type == "cuda" and device.index is None:
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return device


def seconds(text: str) -> float:
    """The value of --timeout."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found <= LONGEST_WAIT:
        raise argparse.ArgumentTypeError(
            f"expected more than 0 and at most {LONGEST_WAIT} seconds, found {text!r}"
        )
    return found


@contextmanager
def joined(timeout: float, device: torch.device, description: Mapping[str, object]) -> Iterator[Ranks]:
    """Join the process group that torchrun describes in the environment; alone where it describes none.

    The description is what has to be the same in every process: it is compared before anything else is sent.

    Errors: ValueError in one line where the processes are unlike, another one is lost, or silent for longer
            than timeout seconds, and where the port is in use
    """
    if "WORLD_SIZE" not in os.environ and "RANK" not in os.environ:
        yield Ranks(0, 1)
        return
    from torch import distributed

    ranks = _described()
    end_with_torchrun(*ranks)
    backend = "nccl" if device.type == "cuda" else "gloo"
    if device.type == "cuda":
        torch.cuda.set_device(device)  # nccl sends from the current one
    try:
        distributed.init_process_group(backend, timeout=timedelta(seconds=timeout))
        check_alike(description, *ranks, device)
        yield ranks
        distributed.barrier()  # nobody leaves while another still waits for its message
        distributed.destroy_process_group()
    except RuntimeError as error:
        if not (isinstance(error, distributed.DistError) or "gloo" in str(error).lower()):
            raise  # not a matter of sending
        who = f"rank {ranks.rank} of {ranks.size} stops"
        raise ValueError(f"{who}, {_reason(str(error), timeout)}") from None


def _described() -> Ranks:
    """The rank and the number of processes in the environment, or a ValueError that says what is missing."""
    found = []
    for name in ("RANK", "WORLD_SIZE"):
        text = os.environ.get(name)
        if text is None or not (text.isascii() and text.isdigit()):
            raise ValueError(
                f"the environment's {name}: expected a whole number, as torchrun sets it, found {text}"
            )
        found.append(int(text))
    if found[0] >= found[1]:
        raise ValueError(
            f"the environment's RANK: expected less than WORLD_SIZE, {found[1]}, found {found[0]}"
        )
    _check_meeting_place()
    return Ranks(*found)


def _check_meeting_place() -> None:
    """Raise ValueError for a place where no process can be met: torch would wait there all its time."""
    address, port = os.environ.get("MASTER_ADDR"), os.environ.get("MASTER_PORT")
    if port is not None and not (port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
        raise ValueError(f"the environment's MASTER_PORT: expected a port from 1 to 65535, found {port}")
    try:
        socket.getaddrinfo(address or "localhost", None)
    except (OSError, UnicodeError):
        raise ValueError(
            f"the environment's MASTER_ADDR: no machine is known by the name {address}"
        ) from None


def _reason(error: str, timeout: float) -> str:
    lower = error.lower()
    if "eaddrinuse" in lower or "address already in use" in lower:
        port = os.environ.get("MASTER_PORT", "")
        return f"for port {port} is in use: another run listens there, or another program; choose another"
    late = "timed out" in lower or "timeout" in lower
    reason = f"no message for {timeout:g} seconds" if late else "its connection closed"
    return f"for another process was lost: {reason}"
