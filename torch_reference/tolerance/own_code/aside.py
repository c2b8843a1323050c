"""How far off the code that is judged is a little way from its point, where nothing is at a kink.

Between the sides of many kinks almost anything lies: where half of what a ReLU is given is 0, as behind a
branch whose gain begins at 0, no mistake before it is certain. But a choice of sides is none where all is
moved a little, and a mistake is there as well. Both run there in float64, in which next to nothing is within
a rounding of a kink; what is off there as it is off at the point is no matter of sides.
"""

from functools import cached_property

import torch
from torch import Tensor

from torch_reference.tolerance.differences import difference
from torch_reference.tolerance.kinks.beside import discarded
from torch_reference.tolerance.movement import Movement, Tensors
from torch_reference.tolerance.own_code.in_float64 import PERHAPS_NOISE, Derive
from torch_reference.tolerance.own_code.own_run import ExactOwnRun
from torch_reference.tolerance.rounding.exact_run import ExactRun

STEP = 2.0**-10
"""How far each number is moved, in parts of itself and in the mean; zeros, of the root of the mean square.
What smooths a kink does so within far less."""
PLACES = 2


class Aside:
    """The code and the reference at some places beside one point, where they are asked for."""

    def __init__(self, movement: Movement, derive: Derive | None) -> None:
        """Nothing is run yet; derive makes what is judged anew, at any point."""
        self.movement, self.derive = movement, derive

    def off_there_as_well(self, name: str, value: Tensor) -> Tensor:
        """What is right, and the part of how far off a value is that it is off at all places, where known.

        Shapes: the value has that of the gradient, and so has the result
        """
        expected = self.movement.expected[name]
        part = difference(value, expected)
        size = expected.abs().amax() if expected.numel() else 0.0
        if not size or not self._off or not all(name in place for place in self._off):
            return expected
        for off in (place[name] for place in self._off):
            least = torch.minimum(part.abs(), off.abs())
            part = torch.where(part.sign() == off.sign(), off.sign() * least, 0.0)
        return expected + torch.where(part.abs() > PERHAPS_NOISE * size, part, 0.0)

    @cached_property
    def _off(self) -> list[Tensors]:
        found: list[Tensors] = []
        if self.derive is not None:
            with discarded():
                found += [self._off_at(_moved(self.movement, place)) for place in range(PLACES)]
        return found

    def _off_at(self, point: Tensors) -> Tensors:
        run = ExactOwnRun()
        with run:
            made = self.derive(point)  # type: ignore[misc] # asked for where there is one
        with ExactRun():
            right = self.movement.reference(point)
        return {
            name: difference(made[name].detach(), value)
            for name, value in right.items()
            if name in made and made[name].shape == value.shape and not run.writes_narrow
            if made[name].dtype == value.dtype and not value.is_complex()
        }


def _moved(movement: Movement, seed: int) -> Tensors:
    """The point, with whatever is differentiated moved a little."""
    generator = torch.Generator("cpu").manual_seed(seed)
    return {
        name: _aside(value, generator) if name in movement.expected and value.is_floating_point() else value
        for name, value in movement.exact_inputs.items()
    }


def _aside(value: Tensor, generator: torch.Generator) -> Tensor:
    size = value.square().mean().sqrt() if value.numel() else value.sum()
    steps = torch.where(value == 0, torch.where(size > 0, size, 1.0), value.abs()) * STEP
    return value + steps * torch.randn(value.shape, generator=generator, dtype=value.dtype).to(value.device)
