"""How fast gradient descent goes down to the lesson's minimum, without taking a step.

In w3, w4 and b3 the SSR is a quadratic bowl. Along each eigenvector of its Hessian the distance to the
minimum is multiplied by 1 − η λ in every step, η the learning rate and λ the eigenvalue, whatever the other
directions do: so the slowest direction decides how long a descent takes, and the steepest how large η may be.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from manual_backprop.checks import check_range
from manual_backprop.lesson.curvature import hessian, jacobian
from manual_backprop.lesson.gradient import LESSON_WRT
from manual_backprop.lesson.trace import Trace

FOREVER = 2**53
"""More steps than float64 can count."""


@dataclass(frozen=True, eq=False)
class Bowl:
    """The SSR around its minimum, taken apart along the eigenvectors of the Hessian, the steepest first.

    Shapes: eigenvalues (m), exactly 0 for a direction that never moves; vectors (m, m), a column for each;
            ssr (m), the part of the SSR that each direction holds and a descent along it takes away
    """

    wrt: tuple[str, ...]
    eigenvalues: Tensor
    vectors: Tensor
    ssr: Tensor
    least: float  # SSR at the minimum

    @property
    def largest_stable_rate(self) -> float:
        """From this learning rate on, the steepest direction no longer shrinks: 2 / λmax."""
        return 2 / steepest if (steepest := self.eigenvalues[0].item()) else math.inf

    @property
    def best_rate(self) -> float:
        """Where steepest and slowest direction shrink equally fast: 2 / (λmin + λmax)."""
        moving = self.eigenvalues[self.eigenvalues > 0]
        return 2 / (moving[0] + moving[-1]).item() if len(moving) else math.inf


def bowl(trace: Trace, wrt: Sequence[str] = LESSON_WRT) -> Bowl:
    """The bowl of the SSR in some of w3, w4 and b3, the other parameters as they are.

    Formula: H = 2 · Jᵀ J = V diag(λ) Vᵀ;  J V = Q R, whose columns Q are the directions as the observations
             see them;  SSRₖ = (Qₖ · Residual)²,  least SSR = ‖Residual − Q Qᵀ Residual‖²
    Shapes:  of one network and one data set
    Errors:  ValueError for a parameter in which the SSR is not quadratic, and for an overflow
    Source:  SSR = ‖Residual‖², and Residual moves by −J times what the parameters move
    """
    curved = [name for name in wrt if name not in LESSON_WRT]
    if curved or not wrt:
        raise ValueError(
            f"the SSR is a quadratic bowl in some of {', '.join(LESSON_WRT)} only, "
            f"found {', '.join(curved) or 'no name'}"
        )
    first, second = jacobian(trace, wrt), hessian(trace, wrt)
    if not second.isfinite().all():
        raise ValueError(f"the SSR's second derivatives overflow {second.dtype} on these data and parameters")
    ascending, vectors = torch.linalg.eigh(second)
    eigenvalues, vectors = ascending.flip(-1), vectors.flip(-1)
    # A sum of n products is wrong by up to n roundings of the absolute products, which on the diagonal are
    # the products themselves; eigh adds one more for each entry. What rounding explains is 0.
    rounding = (len(first) + second.numel()) * torch.finfo(second.dtype).eps * second.trace()
    moves = eigenvalues > rounding
    # By QR and not by J V / √(λ / 2): steepest first, it keeps rounding of the steep out of the flat ones.
    seen, _ = torch.linalg.qr(first @ vectors[:, moves])
    along = seen.mT @ trace.residual
    rest = trace.residual - seen @ along
    ssr = torch.zeros_like(eigenvalues).masked_scatter(moves, along**2)
    eigenvalues = torch.where(moves, eigenvalues, 0.0)
    return Bowl(tuple(wrt), eigenvalues.double(), vectors, ssr.double(), rest.square().sum().item())


def factors(bowl: Bowl, learning_rate: float) -> Tensor:
    """By what a step multiplies the distance to the minimum, along each direction.

    Formula: pₖ₊₁ − p* = (1 − η λ) (pₖ − p*): it shrinks while |1 − η λ| < 1, and changes sides below 0
    Shapes:  (m)
    Errors:  ValueError for a learning rate below 0 or without end
    Source:  ∂SSR/∂p = λ (p − p*) along an eigenvector, put into pₖ₊₁ = pₖ − η ∂SSR/∂p
    """
    check_range("learning_rate", learning_rate)
    return 1 - learning_rate * bowl.eigenvalues


def half_lives(bowl: Bowl, learning_rate: float) -> list[float]:
    """Steps in which the distance to the minimum halves, along each direction; infinite where it never does.

    Formula: |1 − η λ|ⁿ = ½,  n = log ½ / log |1 − η λ|
    Errors:  those of factors
    """
    logs = _log_factors(bowl, learning_rate).tolist()
    return [math.log(0.5) / log if log < 0 else math.inf for log in logs]


def ssr_after(bowl: Bowl, learning_rate: float, steps: int) -> Tensor:
    """What each direction still holds of the SSR after some steps; the least SSR comes on top of their sum.

    Formula: SSRₖ · (1 − η λₖ)²ⁿ = SSRₖ · exp(2 n log |1 − η λₖ|)
    Shapes:  (m)
    Errors:  those of factors
    """
    if steps == 0:
        return bowl.ssr
    return bowl.ssr * torch.exp(2 * steps * _log_factors(bowl, learning_rate))


def steps_along(bowl: Bowl, learning_rate: float, ssr: float) -> list[int | None]:
    """The first step at which each direction alone holds no more than this SSR; None where it never does.

    Formula: SSRₖ · (1 − η λₖ)²ⁿ ≤ SSR,  n = ⌈log (SSR / SSRₖ) / (2 log |1 − η λₖ|)⌉
    Errors:  those of factors
    """
    result: list[int | None] = []
    for start, log in zip(bowl.ssr.tolist(), _log_factors(bowl, learning_rate).tolist(), strict=True):
        if start <= ssr:
            result.append(0)
        elif ssr <= 0 or log >= 0:
            result.append(None)
        else:
            result.append(max(1, math.ceil(math.log(ssr / start) / (2 * log))))
    return result


def steps_to(bowl: Bowl, learning_rate: float, ssr: float) -> int | None:
    """The first step at which the SSR of a stable descent is no more than this; None where it never is.

    Every direction's part shrinks, and so does their sum: the step is found by halving. An unstable descent
    may pass by an SSR on its way, which does not count.

    Errors:  those of factors
    """

    def reached(steps: int) -> bool:
        return bowl.least + ssr_after(bowl, learning_rate, steps).sum().item() <= ssr

    if reached(0):
        return 0
    if learning_rate >= bowl.largest_stable_rate or not reached(FOREVER):
        return None
    too_few, enough = 0, FOREVER
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        too_few, enough = (too_few, middle) if reached(middle) else (middle, enough)
    return enough


def _log_factors(bowl: Bowl, learning_rate: float) -> Tensor:
    """The logarithm of |1 − η λ| along each direction, which keeps its digits where η λ is small."""
    check_range("learning_rate", learning_rate)
    product = learning_rate * bowl.eigenvalues
    return torch.where(product < 1, torch.log1p(-product), torch.log(product - 1))
