"""One gradient from several processes, each of which has a share of the observations.

The SSR is a sum over observations, and so is its gradient: what the processes found is added up. All
functions need an initialised torch.distributed process group and are called by all processes.
"""

from collections.abc import Iterable, Iterator

import torch
import torch.distributed as dist
from torch import Tensor

from manual_backprop.fast.triangle import Triangle, merge

BUCKET = 2**20
"""Bytes that are sent at once: a message takes 0.6 ms between two processes, in which 1 MB travels."""


def gather(triangle: Triangle) -> Triangle:
    """The triangle of the observations of all processes, with the same bits in each of them.

    Each process sends its triangle once, 144 bytes for a triangle without a batch, however many observations
    it stands for; the triangles are merged in the order of the ranks.

    Errors: RuntimeError from torch.distributed where a process is lost
    """
    counts = triangle.rows.new_tensor([triangle.roundings, triangle.observations])
    mine = torch.cat([triangle.rows.reshape(-1), counts])
    others = [torch.empty_like(mine) for _ in range(dist.get_world_size())]
    dist.all_gather(others, mine)
    shape = triangle.rows.shape
    return merge(
        Triangle(triangle.hidden, other[:-2].reshape(shape), int(other[-2]), int(other[-1]))
        for other in others
    )


def summed(gradients: Iterable[tuple[str, Tensor]]) -> dict[str, Tensor]:
    """The sum over all processes of each gradient, sent while the next ones are still being derived.

    Give it perceptron.backwards, which yields the gradients of a module as soon as they are there: the last
    module's travel while the calculus goes on with the modules before it.

    Formula: ∂Loss/∂θ = Σᵣ ∂Lossᵣ/∂θ over the processes r, Loss = Σᵣ Lossᵣ
    Shapes:  names and shapes are the same, in the same order, in every process
    Errors:  RuntimeError from torch.distributed where a process is lost
    """
    sent = [(bucket, flat, dist.all_reduce(flat, async_op=True)) for bucket, flat in _buckets(gradients)]
    totals: dict[str, Tensor] = {}
    for bucket, flat, work in sent:
        work.wait()
        parts = torch.split_with_sizes(flat, [gradient.numel() for _, gradient in bucket])
        totals |= {name: part.view_as(gradient) for (name, gradient), part in zip(bucket, parts, strict=True)}
    return totals


def _buckets(gradients: Iterable[tuple[str, Tensor]]) -> Iterator[tuple[list[tuple[str, Tensor]], Tensor]]:
    """Gradients in a row of at least BUCKET bytes, but for the last."""
    bucket: list[tuple[str, Tensor]] = []
    for named in gradients:
        bucket.append(named)
        if sum(gradient.nbytes for _, gradient in bucket) >= BUCKET:
            yield bucket, torch.cat([gradient.reshape(-1) for _, gradient in bucket])
            bucket = []
    if bucket:
        yield bucket, torch.cat([gradient.reshape(-1) for _, gradient in bucket])
