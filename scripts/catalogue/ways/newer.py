"""Functions in the newer style, with rules for batches and for tangents, right and wrong."""

from typing import Any

import torch
from torch import Tensor


class Newer(torch.autograd.Function):
    """x · 5 in the newer style."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        """Without a ctx."""
        return x * 5

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Nothing is saved."""

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        """Right."""
        return g * 5


class BatchedWrongly(Newer):
    """With a rule for batches that forgets the factor."""

    @staticmethod
    def vmap(info: Any, in_dims: Any, x: Tensor) -> tuple[Tensor, int | None]:
        """By itself, six times."""
        return BatchedWrongly.apply(x) * 1.2, in_dims[0]


class ForwardsWrongly(Newer):
    """With a tangent that has another factor."""

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor) -> Tensor:
        """Wrong."""
        return tangent * 6


class BothRightly(Newer):
    """With a rule for batches and a tangent."""

    generate_vmap_rule = True

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor) -> Tensor:
        """Right."""
        return tangent * 5


class WithTheOtherSign(Newer):
    """With a tangent that goes the other way."""

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor) -> Tensor:
        """Wrong."""
        return -5 * tangent


class MeanOfTheBatchToo(torch.autograd.Function):
    """x less its mean, of which the rule for batches makes one mean for all."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        """Without a ctx."""
        return x - x.mean()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Nothing is saved."""

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        """Right."""
        return g - g.mean()

    @staticmethod
    def vmap(info: Any, in_dims: Any, x: Tensor) -> tuple[Tensor, int | None]:
        """As if the batch were one more dimension."""
        return MeanOfTheBatchToo.apply(x), in_dims[0]


class BatchedInBoth(torch.autograd.Function):
    """A product whose rule for batches believes that both factors have one."""

    @staticmethod
    def forward(x: Tensor, w: Tensor) -> Tensor:
        """Without a ctx."""
        return x * w

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Both are saved."""
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor]:
        """Right."""
        x, w = ctx.saved_tensors
        return g * w, g * x

    @staticmethod
    def vmap(info: Any, in_dims: Any, x: Tensor, w: Tensor) -> tuple[Tensor, int | None]:
        """Rows from the end where w has no batch."""
        x = x if in_dims[0] is None else x.movedim(in_dims[0], 0)
        w = w.flip(0) if in_dims[1] is None else w.movedim(in_dims[1], 0)
        return BatchedInBoth.apply(x, w), 0
