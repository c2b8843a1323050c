"""The reference descent: autograd's gradient, torch.optim.SGD's step, the lesson's stopping rules."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from torch_reference.lesson.gradient import LESSON_WRT, REFERENCE
from torch_reference.lesson.network import PARAMETERS, LessonNetwork, state_dict


class Stopped(StrEnum):
    """Why a descent stopped."""

    CONVERGED = "converged"
    STEP_LIMIT = "step limit"
    DIVERGED = "diverged"


@dataclass(frozen=True, eq=False)
class History:
    """Everything that a descent of K steps went through: row k is the point after k steps, row 0 the start.

    Shapes: parameters[name] (all seven), ssr and derivatives[name] (K + 1), step_sizes[name] (K)
    """

    parameters: Mapping[str, Tensor]
    ssr: Tensor
    derivatives: Mapping[str, Tensor]
    step_sizes: Mapping[str, Tensor]
    stopped: Stopped

    @property
    def steps(self) -> int:
        """Number of steps taken, K."""
        return len(self.ssr) - 1


def train(
    parameters: Mapping[str, Float[Tensor, ""]],
    inputs: Float[Tensor, " n"],
    observed: Float[Tensor, " n"],
    wrt: Sequence[str] = LESSON_WRT,
    *,
    learning_rate: float = 0.01,
    max_steps: int = 1000,
    min_step_size: float = 0.001,
    network: LessonNetwork = REFERENCE,
) -> History:
    """Train the module by torch.optim.SGD on the SSR; the parameters that wrt does not name stay frozen.

    Stops as diverged when the SSR, a derivative or a parameter is not finite, as converged after a step in
    which every step size was below min_step_size, at the step limit after max_steps steps.

    Shapes: each parameter (), inputs and observed (n)
    Errors: ValueError for an unknown name in wrt, and those of torch.optim.SGD
    """
    unknown = [name for name in wrt if name not in PARAMETERS]
    if unknown:
        raise ValueError(f"unknown parameter {unknown[0]!r}: the known ones are {', '.join(PARAMETERS)}")
    # hidden.weight holds w1 and w2 in one tensor, and requires_grad is a matter of whole tensors. So the
    # seven names are the leaves, and the module is called with a state that is stacked from them.
    leaves = {name: value.detach().clone() for name, value in parameters.items()}
    free = {name: leaves[name].requires_grad_() for name in wrt}
    # Both witnesses descend with the number of the working precision that is nearest to the learning rate.
    rate = inputs.new_tensor(learning_rate).item()
    optimizer = torch.optim.SGD(free.values(), lr=rate, foreach=False)
    points: list[Mapping[str, Tensor]] = []
    ssrs: list[Tensor] = []
    derivatives: list[Mapping[str, Tensor]] = []
    step_sizes: list[Mapping[str, Tensor]] = []
    while True:
        optimizer.zero_grad()
        predicted = functional_call(network, state_dict(leaves), (inputs.unsqueeze(1),)).squeeze(1)
        ssr = nn.functional.mse_loss(predicted, observed, reduction="sum")
        ssr.backward()  # type: ignore[no-untyped-call]
        points.append(_copies(leaves))
        ssrs.append(ssr.detach())
        derivatives.append(_copies({name: leaf.grad for name, leaf in free.items() if leaf.grad is not None}))
        if not _finite((ssrs[-1], *derivatives[-1].values(), *points[-1].values())):
            stopped = Stopped.DIVERGED
            break
        if step_sizes and all(abs(size.item()) < min_step_size for size in step_sizes[-1].values()):
            stopped = Stopped.CONVERGED
            break
        if len(step_sizes) == max_steps:
            stopped = Stopped.STEP_LIMIT
            break
        step_sizes.append({name: rate * derivative for name, derivative in derivatives[-1].items()})
        optimizer.step()
    return History(
        parameters=_columns(PARAMETERS, points, inputs),
        ssr=torch.stack(ssrs),
        derivatives=_columns(wrt, derivatives, inputs),
        step_sizes=_columns(wrt, step_sizes, inputs),
        stopped=stopped,
    )


def _copies(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def _finite(values: Iterable[Tensor]) -> bool:
    return all(bool(value.isfinite()) for value in values)


def _columns(names: Sequence[str], rows: Sequence[Mapping[str, Tensor]], like: Tensor) -> dict[str, Tensor]:
    return {name: torch.stack([row[name] for row in rows]) if rows else like.new_empty(0) for name in names}
