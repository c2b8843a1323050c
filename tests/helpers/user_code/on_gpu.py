"""Random numbers on the GPU, the same on every machine."""

import torch
from torch import Tensor


def on_gpu(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    """Random numbers, the same on every machine."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(
        "cuda", dtype
    )
