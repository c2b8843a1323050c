"""The third witness on a wrong element: it says whether the derivation or PyTorch is wrong.

It differentiates the forward pass numerically and so shares neither derivation: mpmath at 50 digits for the
lesson's network, a difference quotient in float64 for all others, and where that is not sharp enough to tell,
a complex step or forward mode, where the operations take one and the quotient confirms it.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from torch_reference.comparison import Row
from torch_reference.judging.calls.points import VALUE
from torch_reference.judging.directional.complex_step import by_complex_step, moved_alike
from torch_reference.judging.directional.difference_quotient import Estimate, estimated
from torch_reference.judging.directional.forward_mode import by_forward_mode
from torch_reference.judging.scalar_objective import (
    UPSTREAM,
    NetworkObjective,
    Objective,
    Tensors,
    reference_gradients,
)
from torch_reference.tolerance.gradient_sums import direction
from torch_reference.tolerance.rounding.exact_run import ExactRun, widened_inputs

Names = Mapping[str, Sequence[int]]
Sharper = Callable[[], tuple[float, float] | None]
SHARP = 64.0
"""A quotient that is known to so small a part of what the two differ by tells them apart."""


class Testimony(NamedTuple):
    """Who is wrong, and by which witness, where it is not the usual one."""

    wrong: str
    witness: str = ""


def who_is_wrong(objective: Objective, row: Row, point: Tensors, names: Names, cuts: Sequence[str]) -> str:
    """The testimony's first half."""
    return testimony(objective, row, point, names, cuts).wrong


def testimony(objective: Objective, row: Row, point: Tensors, names: Names, cuts: Sequence[str]) -> Testimony:
    """Name the witness that is wrong at the row's worst element, or in the sum that the row is about.

    "yours" or "PyTorch's" (in the point's own dtype) is the one that is further from the exact derivative;
    "both within rounding" where neither is further than the row's bound; "undecided" where the exact one is
    not known well enough to tell, at a kink, where the reference detaches and means no derivative, or means
    symmetric matrices only.
    """
    if row.manual is None or row.bound is None:
        return Testimony("yours")
    gradient = reference_gradients(objective, point, names, cuts)[row.name]
    towards = _direction(row, gradient)
    own = _along(gradient, towards)
    manual = row.manual.real if isinstance(row.manual, complex) else row.manual
    apart = abs(manual - own)
    enough = apart / SHARP if math.isfinite(apart) else 0.0  # of an infinity any part is one
    exact, sharper = _estimate(objective, row, point, names, cuts, towards, enough)
    wrong, witness = _by(exact, manual, own, row.bound), ""
    for name, estimate in sharper.items():
        found = estimate() if wrong == "undecided" else None
        # What is not holomorphic in a way that was not seen, or detaches, is far from the quotient.
        if found is not None and abs(found[0] - exact.value) <= exact.error < math.inf:
            wrong, witness = _by(Estimate(*found), manual, own, row.bound), name
    if wrong == "PyTorch's" and (
        _of_symmetric_ones(point.get(row.name), gradient) or _detaches(objective, point)
    ):
        wrong = "undecided"
    return Testimony(wrong, witness if wrong != "undecided" else "")


def _by(exact: Estimate, manual: float, own: float, bound: float) -> str:
    # A NaN or an infinity is further away than any number.
    manual_off, own_off = (
        abs(value - exact.value) if math.isfinite(value) else math.inf for value in (manual, own)
    )
    if max(manual_off, own_off) + exact.error <= bound:
        return "both within rounding"
    if not exact.error < abs(manual_off - own_off) / 4:
        return "undecided"
    return "yours" if manual_off > own_off else "PyTorch's"


def _of_symmetric_ones(value: Tensor | None, gradient: Tensor) -> bool:
    """Whether it may be a function of symmetric matrices, as cholesky and eigh are: they read one triangle.

    Torch's gradient is symmetric there, and no difference quotient of one element is.
    """
    if value is None or value.ndim < 2 or value.shape[-1] != value.shape[-2] or value.shape[-1] == 1:
        return False
    return all(torch.allclose(one, one.mT, rtol=1e-6) for one in (value, gradient))


def _direction(row: Row, gradient: Tensor) -> Tensor:
    """What the row's number is the directional derivative along."""
    if row.part:
        return direction(row.part, row.index, gradient)
    found = torch.zeros_like(gradient)
    found[row.index] = 1
    return found


def _along(gradient: Tensor, towards: Tensor) -> float:
    """Of a complex gradient the part that a real step along the direction shows."""
    product = gradient.to(torch.complex128) * towards.to(torch.complex128).conj()
    return torch.where(towards == 0, 0.0, product).sum().real.item()


def _estimate(
    objective: Objective,
    row: Row,
    point: Tensors,
    names: Names,
    cuts: Sequence[str],
    towards: Tensor,
    enough: float,
) -> tuple[Estimate, dict[str, Sharper]]:
    """(the usual witness's number, those of the sharper ones by name, where one is asked for)."""
    # Only a mismatch needs the witness, and mpmath takes 0.1 s to import.
    from torch_reference.judging.lesson_witness import exact_gradient, is_the_lesson

    if isinstance(objective, NetworkObjective) and not row.part and is_the_lesson(objective, point):
        return Estimate(exact_gradient(point, row.name, row.index, cuts), 0.0), {}
    exact = widened_inputs(dict(point))
    towards = towards.to(torch.complex128 if towards.is_complex() else torch.float64)
    if isinstance(objective, NetworkObjective) and cuts:
        _, outputs = objective.run(exact)
        exact |= {VALUE + name: outputs[name][1] for name in cuts}
    shifts = {name: torch.zeros_like(exact[UPSTREAM + name]) for name in cuts}

    def value(step: float) -> float:
        with torch.no_grad(), ExactRun():
            return objective(exact, {**shifts, row.name: step * towards}, cuts).item()

    def imaginary(step: float, seed: int) -> float:
        with ExactRun(imaginary_steps=True):
            steps = {**shifts, row.name: 1j * step * towards}
            return objective.imaginary(moved_alike(exact, seed), steps, cuts)

    moved = exact[row.name][towards != 0] if row.name in exact else towards[:0]
    size = float(moved.abs().max()) if moved.numel() else 1.0
    terms = sum(float(each.abs().sum()) for name, each in exact.items() if name.startswith(UPSTREAM))
    quotient = estimated(value, size or 1.0, terms, enough)

    def dual(shift: Tensor, seed: int) -> Tensor:
        with ExactRun():
            return objective(moved_alike(exact, seed), {**shifts, row.name: shift}, cuts)

    sharper: dict[str, Sharper] = {"forward mode": lambda: by_forward_mode(dual, towards)}
    if not towards.is_complex():
        sharper = {"a complex step": lambda: by_complex_step(imaginary), **sharper}
    return quotient, sharper


def _detaches(objective: Objective, point: Tensors) -> bool:
    """Whether the reference hides a part of itself from autograd."""
    values = {name: value.detach() for name, value in point.items()}
    with torch.enable_grad(), _hidden() as seen:
        objective(values, {})
    return bool(seen)


HIDING = {"detach", "detach_", "__get__", "no_grad", "item", "tolist", "numpy", "_set_grad_enabled"}


class _Hiding(TorchFunctionMode):
    def __init__(self, seen: list[str]) -> None:
        super().__init__()
        self.seen = seen

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = getattr(func, "__name__", "")
        if name in HIDING and (name != "__get__" or func is torch.Tensor.data.__get__):  # type: ignore[attr-defined]
            self.seen.append(name)
        return func(*args, **(kwargs or {}))


@contextmanager
def _hidden() -> Iterator[list[str]]:
    seen: list[str] = []
    with _Hiding(seen):
        yield seen
