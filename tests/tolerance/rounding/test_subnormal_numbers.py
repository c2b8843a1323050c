"""Subnormal numbers of float16, which gradients are, move by a rounding of the smallest normal one."""

import torch

from torch_reference.tolerance.rounding.roundings import Roundings


def test_subnormal_numbers_move_by_steps_and_zeros_do_not() -> None:
    """A factor of 1 + u z leaves a number of a hundred steps where it is; a kernel rounds it to the next."""
    step = 2.0**-24
    numbers = torch.tensor([100.0, -3.0, 0.0, 1023.0], dtype=torch.float64) * step
    moved = torch.zeros(4, dtype=torch.float64)
    for seed in range(8):
        result = numbers.half()
        Roundings(seed).move(result, 2.0**-11)
        moved = torch.maximum(moved, (result.double() - numbers).abs() / step)
    assert moved[[0, 1, 3]].ge(1).all()
    assert moved.le(6).all()
    assert moved[2] == 0
