"""The constants of a segment, and the rounding of its Hessian, are those that docs/trajectory.md derives.

They are written a second time, from the page, in numbers of 50 digits.
"""

from collections.abc import Iterator

import mpmath
import pytest
import torch
from mpmath import mpf

from descents_apart import two_descents
from fifty_digits import UNIT, near
from manual_backprop import LESSON_WRT, PARAMETERS
from torch_reference.lesson.curvature import segment_bounds
from torch_reference.lesson.formulas import nodes, straight_terms, terms_of
from torch_reference.lesson.network import FORMULAS


@pytest.fixture(autouse=True)
def _fifty_digits() -> Iterator[None]:
    with mpmath.workdps(50):
        yield


def segment_of_the_page(
    ends: list[dict[str, mpf]], inputs: list[float], observed: list[float], wrt: tuple[str, ...]
) -> list[mpf]:
    """S, M and γ S of one segment: section 3, and the Hessian's rounding of section 4."""
    free = {name: int(name in wrt) for name in PARAMETERS}
    largest = {name: max(abs(end[name]) for end in ends) for name in PARAMETERS}
    s, m, conditioning, lost = mpf(0), mpf(0), mpf(0), mpf(0)
    for x, o in zip(inputs, observed, strict=True):
        a_squared, b, c, residual = mpf(0), [], [], abs(mpf(o))
        for name, *factor in straight_terms(FORMULAS):
            a_squared += free[name] * (mpf(x) if factor else 1) ** 2
            residual += largest[name] * (abs(mpf(x)) if factor else 1)
        factors = [max(largest[node.out] for node in nodes(FORMULAS)), abs(mpf(x))]
        for out, ((weight, _), (bias,)) in nodes(FORMULAS):
            xi = mpmath.sqrt(free[weight] * mpf(x) ** 2 + free[bias])
            y = max(mpmath.log1p(mpmath.exp(end[weight] * x + end[bias])) for end in ends)
            a_squared += largest[out] ** 2 * xi**2 + free[out] * y**2
            b.append(largest[out] * xi**2 / 4 + free[out] * xi)
            c.append(largest[out] * xi**3 / (6 * mpmath.sqrt(3)) + 3 * free[out] * xi**2 / 4)
            residual += largest[out] * y
            factors.append(y)
            conditioning = max(conditioning, largest[weight] * abs(x) + largest[bias])
        s += 2 * (a_squared + residual * max(b))
        m += 2 * (3 * mpmath.sqrt(a_squared) * max(b) + residual * max(c))
        weight, x, *y = factors
        lost += mpmath.fprod(max(1, factor) for factor in (residual, weight, weight, x, x, *2 * [max(y)]))
    further = len(terms_of(FORMULAS["predicted"])) - 3
    underflow = (64 + 6 * further) * len(wrt) * mpf(2) ** -1022 * lost
    return [s, m, (64 + further + len(inputs) + 4 * conditioning) * UNIT * s + underflow]


@pytest.mark.parametrize("wrt", [PARAMETERS, ("w1", "b1", "w3"), ("w2", "b2"), ("b1", "w4", "b3"), ("b3",)])
def test_the_constants_of_a_segment_are_those_that_the_page_derives(wrt: tuple[str, ...]) -> None:
    """At each of three pairs of points, whichever end of the segment is the larger.

    The input of a node is below 8, so that y is wrong by 21 roundings at most, and its square by twice that.
    """
    inputs, observed = [0.3, -1.1, 2.0], [0.1, -0.2, 0.15]
    ends = [history.parameters for history in two_descents(PARAMETERS, torch.float64, apart=1.0, moving=1.0)]
    found = segment_bounds(*ends, torch.tensor(inputs).double(), torch.tensor(observed).double(), wrt)
    inputs, observed = torch.tensor(inputs).tolist(), torch.tensor(observed).tolist()
    for k in range(3):
        at = [{name: mpf(end[name][k].item()) for name in PARAMETERS} for end in ends]
        expected = segment_of_the_page(at, inputs, observed, wrt)
        for constant, value in zip(found, expected, strict=True):
            assert near(constant[k].item(), value, roundings=64)


def test_where_the_hessian_is_zero_its_underflow_remains() -> None:
    """The second node has no weight: all in ∂²SSR/∂b2² is 0, but for what is lost on the way to it."""
    at = dict.fromkeys(PARAMETERS, 0.0) | {"w3": 2.0, "b1": 5.0}
    end = {name: torch.tensor([value], dtype=torch.float64) for name, value in at.items()}
    data = [0.5, -3.0], [1.0, -0.25]
    _, _, found = segment_bounds(end, end, *(torch.tensor(column).double() for column in data), ("b2",))
    exactly = {name: mpf(value) for name, value in at.items()}
    s, _, expected = segment_of_the_page([exactly, exactly], *data, ("b2",))
    assert s == 0
    assert near(found.item(), expected, roundings=64)


def test_a_hessian_whose_rounding_is_not_of_first_order_has_no_bound() -> None:
    """Where γ reaches 2⁻²⁰: with four inputs, at a node's input of 2³¹ − 17."""
    point = {name: torch.zeros(1).double() for name in PARAMETERS} | {"w3": torch.ones(1).double()}
    inputs, observed = torch.ones(4).double(), torch.zeros(4).double()
    for name in ("w1", "b1", "w2", "b2"):
        for size, is_bounded in ((2.0**31 - 18, True), (2.0**31 - 17, False)):
            there = point | {name: torch.tensor([size], dtype=torch.float64)}
            _, _, rounding = segment_bounds(there, there, inputs, observed, LESSON_WRT)
            assert rounding.isfinite().item() is is_bounded
