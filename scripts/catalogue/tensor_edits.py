"""Changes of a right gradient that touch a single element, a single row, or everything by very little."""

import torch
from torch import Tensor


def one_element(factor: float, place: int = -1) -> object:
    """Multiply one element, by its place in memory order."""

    def change(gradient: Tensor) -> Tensor:
        changed = gradient.clone()
        changed.view(-1)[place] *= factor
        return changed

    return change


def one_row(factor: float, row: int = 1) -> object:
    """Multiply one row."""

    def change(gradient: Tensor) -> Tensor:
        changed = gradient.clone()
        changed[row] *= factor
        return changed

    return change


def zero_rows(gradient: Tensor) -> Tensor:
    """Every second row is switched off."""
    mask = (torch.arange(len(gradient)) % 2).to(gradient)
    return gradient * mask.reshape(-1, *[1] * (gradient.ndim - 1))
