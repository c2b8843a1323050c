"""Whether a descent stopped where the numbers that it recorded say so."""

from collections.abc import Mapping

import torch
from torch import Tensor

from torch_reference.lesson.training import Stopped
from torch_reference.lesson.trajectory import Descent, is_step, recorded


def broken_rule(descent: Descent, max_steps: int, min_step_size: float) -> str | None:
    """The stopping rule that a descent's own record contradicts, if any."""
    steps = len(descent.ssr) - 1
    finite = torch.stack([value.isfinite() for name, value in recorded(descent).items() if not is_step(name)])
    small = torch.stack([size.double().abs() < min_step_size for size in descent.step_sizes.values()]).all(0)
    if not finite[:, :-1].all() or small[:-1].any():
        return f"went on after a point at which the rules say stop; it stopped at step {steps}"
    if not finite[:, -1].all():
        expected = Stopped.DIVERGED
    elif steps and small[-1]:
        expected = Stopped.CONVERGED
    elif steps == max_steps:
        expected = Stopped.STEP_LIMIT
    else:
        return f"stopped at step {steps} ({descent.stopped}), where no rule says so"
    return (
        None if descent.stopped == expected else f"says {descent.stopped} at step {steps}: it is {expected}"
    )


def overflow_of_one(
    first: Mapping[str, Tensor], second: Mapping[str, Tensor], limits: Mapping[str, Tensor], point: int
) -> list[str]:
    """At the first point that is not compared, one witness may overflow only where the other nearly does."""
    largest = torch.finfo(first["ssr"].dtype).max
    alone = []
    for name, limit in limits.items():
        at = point - 1 if is_step(name) else point
        if at < 0:
            continue  # no step leads to the start
        one, other = first[name][at].double(), second[name][at].double()
        if one.isfinite() == other.isfinite():
            continue
        if torch.where(one.isfinite(), one, other).abs() + limit[at] >= largest:
            return []
        alone.append(
            f"{name} at step {point} is {one.item():.6g} and {other.item():.6g}: no rounding does that"
        )
    return alone[:1]
