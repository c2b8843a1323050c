"""Whether a recorded forward pass may be judged by: its gradient is the reference's."""

import torch

from torch_reference.chain.graph import Graph
from torch_reference.chain.recording.passes import Passes


def same_gradients(passes: Passes, other: Passes) -> bool:
    """Whether the user's forward pass has the gradient of the reference: else it is no chain to judge by."""
    if len(passes.roots) != len(other.roots) or not passes.roots:
        return False
    ours, theirs = (
        Graph(one.roots).gradients(
            [value.double() for value in one.upstream], [edge for edge, _ in one.inputs.values()], {}
        )
        for one in (passes, other)
    )
    largest = max((value.norm() for value in theirs.values()), default=0.0)
    for name, (edge, value) in passes.inputs.items():
        found, right = ours.get(edge), theirs.get(other.inputs[name][0])
        if (found is None) != (right is None):
            return False
        if found is not None and right is not None:
            # A gradient that is zero, that of a bias before a batch norm, is not more than its roundings.
            eps = torch.finfo(value.dtype).eps
            if not (found - right).norm() <= eps**0.5 * right.norm() + 16 * eps * largest:
                return False
    return True
