"""The two bounds that no test can reach from outside are those that the documentation derives, term by term.

A bound that is a little too small is found by nobody: what it misses would have to happen. So each is written
a second time, from its page, in numbers of 50 digits, and the code's is within its own rounding of that.
"""

from collections import defaultdict
from collections.abc import Mapping

import mpmath
import pytest
import torch
from mpmath import mpf
from torch import Tensor

from manual_backprop import LESSON_WRT, PARAMETERS, lesson
from manual_backprop.triangle import Triangle
from manual_backprop.triangle_descent import rounding
from torch_reference import bounds
from torch_reference.curvature import hessians, segment_bounds
from torch_reference.training import History, train
from torch_reference.trajectory import trajectory_bounds

UNIT = 2.0**-53
MARGIN = 1 + 2.0**-20
Values = dict[str, Tensor]


@pytest.fixture(autouse=True)
def _fifty_digits() -> None:
    mpmath.mp.dps = 50


def numbers(tensor: Tensor) -> list[mpf]:
    """Exactly what a vector holds."""
    return [mpf(value) for value in tensor.tolist()]


def near(found: float, expected: mpf, roundings: int, smallest_steps: int = 0) -> bool:
    """Whether a number is within so many roundings of another, and so many of the smallest steps."""
    return abs(mpf(found) - expected) <= roundings * UNIT * expected + smallest_steps * mpf(2) ** -1074


# docs/scale.md, section 2: how exact the triangle is.


def rounding_of_the_page(rows: Tensor, roundings: int, parameters: Mapping[str, float]) -> dict[str, mpf]:
    """The boxed formula, with the underflow and the margin of the text below it."""
    columns = [numbers(column) for column in rows.unbind(-1)]
    p = [*(-mpf(parameters[name]) for name in LESSON_WRT), mpf(1)]
    underflow = 256 * roundings * mpf(2) ** -1074
    lengths = [sum(abs(entry) for entry in column) for column in columns]
    errors = [roundings * UNIT * length + underflow for length in lengths]
    moved = sum(abs(p[j]) * (errors[j] + 4 * UNIT * lengths[j]) for j in range(4))
    ssr = sum(sum(p[j] * columns[j][k] for j in range(4)) ** 2 for k in range(4))
    rho = mpmath.sqrt(ssr + underflow) + 2 * moved
    found = {"ssr": 2 * rho * (moved + 2 * UNIT * rho)}
    for name, error, length in zip(LESSON_WRT, errors, lengths, strict=False):
        found[name] = 2 * (error * rho + length * (moved + 4 * UNIT * rho))
    return {name: MARGIN * (value + underflow) for name, value in found.items()}


@pytest.mark.parametrize(
    ("rows", "roundings", "weights"),
    [
        # Small whole numbers, so that the SSR is exact; then with errors of a quarter of all there is.
        ([[3, -5, 2, 7], [0, 4, -1, -3], [0, 0, 6, 2], [0, 0, 0, 5]], 380, (2, -1, 3)),
        ([[3, -5, 2, 7], [0, 4, -1, -3], [0, 0, 6, 2], [0, 0, 0, 5]], 2**51, (2, -1, 3)),
        # No residual at all: what is left under the root is underflow alone, beside a large column.
        ([[2.0**900, 0, 0, 0], [0] * 4, [0] * 4, [0] * 4], 380, (0, 0, 0)),
        # Columns that have underflowed to zero, before small and before large weights.
        ([[0] * 4] * 4, 380, (0, 0, 0)),
        ([[0] * 4] * 4, 380, (2.0**1000, 2.0**999, 2.0**1001)),
    ],
)
def test_the_bound_of_the_triangle_is_the_one_that_its_page_derives(
    rows: list[list[float]], roundings: int, weights: tuple[float, float, float]
) -> None:
    """Each of its four values and every term of it.

    Nothing is subtracted, so the roundings add up: 3 in a column's length, 5 in its error, 10 in D, 11 in ρ,
    12 in D + 2uρ, 24 in the product of the two, 26 in the end. The last products may underflow.
    """
    parameters = dict(zip(LESSON_WRT, weights, strict=True))
    one = Triangle(lesson.start(), torch.tensor(rows, dtype=torch.float64), roundings, observations=9)
    given = {name: torch.tensor(value, dtype=torch.float64) for name, value in parameters.items()}
    of_ssr, of_derivatives = rounding(one, given)
    expected = rounding_of_the_page(one.rows, roundings, parameters)
    for name, value in {"ssr": of_ssr, **of_derivatives}.items():
        assert near(value.item(), expected[name], roundings=26, smallest_steps=3), name


# docs/trajectory.md: how far two correct descents may drift apart.


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
        descents.append(History(parameters, torch.ones(3, dtype=dtype), slopes, sizes, "step limit"))
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
    """Infinite, never NaN or the largest number; and a descent of no step has no bound of a step."""
    manual, reference = two_descents(LESSON_WRT, torch.float64, apart=0.0, moving=1e200)
    inputs, observed = lesson.data()
    found = trajectory_bounds(manual, reference, inputs, observed, 0.1)
    for name in ("ssr", "d_ssr_d_w3"):
        assert found[name].tolist() == [torch.inf] * 3
    assert found["w3"].tolist() == [0, torch.inf, torch.inf]
    start = train(lesson.start(), inputs, observed, max_steps=0)
    longer = train(lesson.start(), inputs, observed, max_steps=2)
    assert {n: len(v) for n, v in trajectory_bounds(start, longer, inputs, observed, 0.1).items()} == {
        n: 0 if n.startswith("step_size_") else 1 for n in found
    }
