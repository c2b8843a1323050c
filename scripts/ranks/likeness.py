"""Before the first step every process tells what it was started with; unlike ones say what differs."""

import json
import platform
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, distributed

import manual_backprop


def check_alike(description: Mapping[str, object], rank: int, size: int, device: torch.device) -> None:
    """Raise the same ValueError in every process unless all have the same description and versions.

    Two messages of numbers go round, first the lengths and then the texts, so that they fit whatever differs.
    """
    versions = {"manual_backprop": manual_backprop.__version__, "torch": torch.__version__}
    mine = {"processes": size, **versions, "Python": platform.python_version(), **description}
    texts = _exchanged(json.dumps(mine, default=str).encode(), size, device)
    first, *others = [json.loads(text) for text in texts]
    for other_rank, other in enumerate(others, start=1):
        for name in {**first, **other}:
            here, there = first.get(name), other.get(name)
            if here != there:
                differs = f"{name} is {_shown(here)} in rank 0 and {_shown(there)} in rank {other_rank}"
                raise ValueError(
                    f"rank {rank} of {size} stops: the ranks were started differently, {differs}"
                )


def _exchanged(text: bytes, size: int, device: torch.device) -> Sequence[bytes]:
    """The texts of all processes, by rank."""
    mine = torch.frombuffer(bytearray(text), dtype=torch.uint8).to(device)
    lengths = _gathered(torch.tensor([len(mine)], device=device), size)
    longest = max(int(length) for length in lengths)
    padded = torch.zeros(longest, dtype=torch.uint8, device=device)
    padded[: len(mine)] = mine
    found = _gathered(padded, size)
    return [bytes(one[: int(length)].tolist()) for one, length in zip(found, lengths, strict=True)]


def _gathered(mine: Tensor, size: int) -> list[Tensor]:
    others = [torch.empty_like(mine) for _ in range(size)]
    distributed.all_gather(others, mine)
    return others


def _shown(value: Any) -> str:
    text = "not given" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
