"""What is checked, and how random points for a diagnosis are drawn."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from torch_reference.objective import UPSTREAM, Objective, Tensors

Shapes = Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class Task:
    """A derivation, the objective that it differentiates, and a point at which it is checked.

    shapes tells, for any point, every name that can be compared, from the loss backwards, and the shape of
    its gradient; required are the names that the derivation has to return; links are those at which the graph
    can be cut; batched are the tensors of the point whose rows are observations; refused are names that cannot
    be compared, and why.
    """

    derivation: Callable[[Tensors], Mapping[str, Tensor | None]]
    objective: Objective
    point: Tensors
    shapes: Callable[[Tensors], Shapes]
    required: Sequence[str]
    links: Sequence[str] = ()
    batched: Sequence[str] = ()
    may_alias: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def dtype(self) -> torch.dtype:
        """The working precision: that of the point's floating-point tensors."""
        return next(value.dtype for value in self.point.values() if value.is_floating_point())

    def batch(self, point: Tensors) -> int:
        """The number of observations of a point; 1 where rows are none."""
        return len(point[self.batched[0]]) if self.batched else 1

    def kind(self, name: str) -> str:
        """What a name stands for."""
        if name in self.links:
            return "link"
        return "input" if name.startswith("inputs") else "parameter"


def cut_point(task: Task, point: Tensors, manual: Tensors) -> tuple[Tensors, list[str]]:
    """The point with the derivation's own upstream gradients, and the links at which they have a right form."""
    shapes = task.shapes(point)
    cuts = [
        name for name in task.links if name in manual and _has_form(manual[name], shapes[name], task.dtype)
    ]
    return {**point, **{UPSTREAM + name: manual[name] for name in cuts}}, cuts


def _has_form(gradient: Tensor, shape: Sequence[int], dtype: torch.dtype) -> bool:
    right = tuple(gradient.shape) == tuple(shape) and gradient.dtype == dtype
    return right and bool(gradient.isfinite().all())


def redrawn(task: Task, seed: int, same_batch: bool = False) -> dict[str, Tensor]:
    """A random point near the task's own.

    Numbers are scaled by a random factor around 1, so that their sign and size stay. A parameter that is
    exactly zero is drawn anew, because zero hides mistakes; an input that is zero stays, because it may be a
    mask. Rows are drawn with repetition, one more in odd draws, so that a factor n is told from a factor 2.
    """
    generator = torch.Generator().manual_seed(seed)
    batch = task.batch(task.point)
    drawn = batch if same_batch else batch + seed % 2
    rows = torch.randint(0, max(batch, 1), (drawn,), generator=generator)
    point = {}
    for name, value in task.point.items():
        new = value.detach()
        if name in task.batched and batch:
            new = new[rows.to(value.device)]
        if value.is_floating_point():
            noise = torch.randn(new.shape, generator=generator, dtype=torch.float64).to(value)
            new = new * torch.exp(0.4 * noise)
            if name in task.required:
                new = torch.where(new == 0, 0.5 * noise, new)
        point[name] = new.clone()
    return point
