"""Two descents of three points, as far apart as is asked for."""

import torch

from manual_backprop import PARAMETERS
from torch_reference.lesson.training import History, Stopped


def two_descents(wrt: tuple[str, ...], dtype: torch.dtype, *, apart: float, moving: float) -> list[History]:
    """Three points of two descents, as far apart as is asked for: the bound takes whatever was recorded."""
    draws = torch.Generator().manual_seed(0)
    here = {name: torch.randn(3, generator=draws, dtype=torch.float64) for name in PARAMETERS}
    descents = []
    for far in (0, apart):
        noise = {name: far * torch.randn(3, generator=draws, dtype=torch.float64) for name in wrt}
        parameters = {name: moving * (value + noise.get(name, 0)).to(dtype) for name, value in here.items()}
        slopes = {
            name: moving * torch.randn(3, generator=draws, dtype=torch.float64).to(dtype) for name in wrt
        }
        sizes = {name: value[:2] / 7 for name, value in slopes.items()}
        descents.append(History(parameters, torch.ones(3, dtype=dtype), slopes, sizes, Stopped.STEP_LIMIT))
    return descents
