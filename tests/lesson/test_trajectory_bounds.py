"""The bounds of two descents' drift are those that docs/trajectory.md derives, term by term.

As in test_triangle_bound.py, they are written a second time, from the page, in numbers of 50 digits.
"""

from collections import defaultdict
from collections.abc import Iterator

import mpmath
import pytest
import torch
from mpmath import mpf
from torch import Tensor

from fifty_digits import MARGIN, UNIT, near, numbers
from manual_backprop import LESSON_WRT, PARAMETERS, lesson
from torch_reference import bounds
from torch_reference.lesson.curvature import hessians, segment_bounds
from torch_reference.lesson.formulas import nodes, straight_terms, terms_of
from torch_reference.lesson.network import FORMULAS
from torch_reference.lesson.training import History, Stopped, train
from torch_reference.lesson.trajectory import is_step, recorded, trajectory_bounds


@pytest.fixture(autouse=True)
def _fifty_digits() -> Iterator[None]:
    with mpmath.workdps(50):
        yield


def norm(vector: list[mpf]) -> mpf:
    """Euclidean."""
    return mpmath.sqrt(mpmath.fsum(entry**2 for entry in vector))


def bounds_of_the_page(
    manual: History, reference: History, inputs: Tensor, observed: Tensor, learning_rate: float
) -> dict[str, list[mpf]]:
    """Sections 2, 3 and 5, from radii, Hessians and segments' constants, which have tests of their own."""
    wrt, info = list(manual.derivatives), torch.finfo(inputs.dtype)
    u, sigma = mpf(info.eps) / 2, mpf(info.tiny) * mpf(info.eps)
    eta = mpf(inputs.new_tensor(learning_rate).item())
    both = (manual, reference)
    radius = [bounds(history.parameters, inputs, observed) for history in both]
    rho = [{name: [value / 2 for value in numbers(r[name])] for name in ("ssr", *wrt)} for r in radius]
    hessian = hessians(manual.parameters, inputs, observed, wrt).tolist()
    constants = segment_bounds(*(history.parameters for history in both), inputs, observed, wrt)
    s, m, gamma_s = (numbers(constant) for constant in constants)
    at = [{name: numbers(history.parameters[name]) for name in wrt} for history in both]
    slope = [{name: numbers(history.derivatives[name]) for name in wrt} for history in both]
    size = [{name: numbers(history.step_sizes[name]) for name in wrt} for history in both]

    drift, found = mpf(0), defaultdict(list)
    for k in range(len(manual.ssr)):
        apart = norm([at[0][name][k] - at[1][name][k] for name in wrt])
        loose = gamma_s[k] + m[k] * apart / 2
        row = {name: norm([mpf(entry) for entry in hessian[k][j]]) for j, name in enumerate(wrt)}
        steepest = norm([abs(slope[1][name][k]) + rho[1][name][k] for name in wrt])
        ssr = rho[0]["ssr"][k] + rho[1]["ssr"][k] + (steepest + s[k] * drift / 2) * drift
        found["ssr"].append(ssr)
        for name in manual.parameters:
            found[name].append(drift if name in wrt else mpf(0))
        derivative = {name: rho[0][name][k] + rho[1][name][k] + (row[name] + loose) * drift for name in wrt}
        for name in wrt:
            found[f"d_ssr_d_{name}"].append(derivative[name])
        if k + 1 == len(manual.ssr):
            break
        product = {name: u * sum(abs(sizes[name][k]) for sizes in size) + 2 * sigma for name in wrt}
        for name in wrt:
            found[f"step_size_{name}"].append(eta * derivative[name] + product[name])
        added = [
            eta * (rho[0][name][k] + rho[1][name][k])
            + product[name]
            + u * sum(abs(point[name][k + 1]) for point in at)
            for name in wrt
        ]
        step = mpmath.eye(len(wrt)) - eta * mpmath.matrix(hessian[k])
        growth = max(mpmath.svd_r(step, compute_uv=False)) + eta * loose
        drift = growth * drift + norm(added)
    return {name: [MARGIN * value for value in values] for name, values in found.items()}


def two_descents(wrt: tuple[str, ...], dtype: torch.dtype, *, apart: float, moving: float) -> list[History]:
    """Three points of two descents, as far apart as is asked for: the bound takes whatever was recorded."""
    draws = torch.Generator().manual_seed(0)
    here = {name: torch.randn(3, generator=draws, dtype=torch.float64) for name in PARAMETERS}
    descents = []
    for far in (0, apart):
        noise = {name: far * torch.randn(3, generator=draws, dtype=torch.float64) for name in wrt}
        parameters = {name: moving * (value + noise.get(name, 0)).to(dtype) for name, value in here.items()}
        slopes = {
            name: moving * torch.randn(3, generator=draws, dtype=torch.float64).to(dtype) for name in wrt
        }
        sizes = {name: value[:2] / 7 for name, value in slopes.items()}
        descents.append(History(parameters, torch.ones(3, dtype=dtype), slopes, sizes, Stopped.STEP_LIMIT))
    return descents


@pytest.mark.parametrize(
    ("wrt", "dtype", "apart", "moving", "rate", "inputs"),
    [
        # The Hessian changes between points 0.1 apart; then it is the same everywhere, and off by rounding.
        (PARAMETERS, torch.float64, 0.1, 1.0, 0.1, [0.3, -1.1, 2.0]),
        (LESSON_WRT, torch.float64, 0.1, 1.0, 0.1, [1e4, -3e4, 2e4]),
        # All at zero, where a step adds no more than the smallest numbers; the rate is rounded to float32.
        (LESSON_WRT, torch.float32, 0.0, 0.0, 1.1e-38, [0.3, -1.1, 2.0]),
        # A gradient of zero is not known to be zero, which after a long step moves the SSR.
        (("b1", "w3"), torch.float32, 0.0, 0.0, 10.0, [0.3, -1.1, 2.0]),
    ],
)
def test_the_bound_of_a_trajectory_is_the_one_that_its_page_derives(
    wrt: tuple[str, ...], dtype: torch.dtype, apart: float, moving: float, rate: float, inputs: list[float]
) -> None:
    """Of everything recorded, at each of three points, frozen parameters too.

    A step adds 4 roundings in each name's sum, 9 in their norm of up to 7, and up to 100 in the growth, most
    of them of the singular value, whose decomposition is backward stable; the SSR's bound squares the sum.
    """
    manual, reference = two_descents(wrt, dtype, apart=apart, moving=moving)
    data = torch.tensor(inputs, dtype=dtype), torch.tensor([0.1, -0.2, 0.15], dtype=dtype)
    found = trajectory_bounds(manual, reference, *data, rate)
    expected = bounds_of_the_page(manual, reference, *data, rate)
    assert found.keys() == expected.keys()
    for name, values in found.items():
        for k, value in enumerate(values.tolist()):
            assert near(value, expected[name][k], roundings=500), (name, k)


def test_where_something_overflows_there_is_no_bound() -> None:
    """Infinite, never NaN or the largest number, from the step on that starts there, and not before."""
    manual, reference = two_descents(LESSON_WRT, torch.float64, apart=0.0, moving=1e200)
    inputs, observed = lesson.data()
    found = trajectory_bounds(manual, reference, inputs, observed, 0.1)
    for name in ("ssr", "d_ssr_d_w3"):
        assert found[name].tolist() == [torch.inf] * 3
    assert found["w3"].tolist() == [0, torch.inf, torch.inf]
    once = two_descents(LESSON_WRT, torch.float64, apart=0.0, moving=1.0)
    for history in once:
        history.parameters["w1"][1] = 1e200
    [at_start, there, behind] = trajectory_bounds(*once, inputs, observed, 0.1)["w3"].tolist()
    assert (at_start, behind) == (0, torch.inf)
    assert 0 < there < 1e-12


def test_a_descent_of_no_step_has_a_bound_at_its_start_and_of_no_step() -> None:
    """Whatever the other one does."""
    inputs, observed = lesson.data()
    start = train(lesson.start(), inputs, observed, max_steps=0)
    longer = train(lesson.start(), inputs, observed, max_steps=2)
    found = trajectory_bounds(start, longer, inputs, observed, 0.1)
    assert {name: len(bound) for name, bound in found.items()} == {
        name: 0 if is_step(name) else 1 for name in recorded(start)
    }


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
