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

from descents_apart import two_descents
from fifty_digits import MARGIN, near, numbers
from manual_backprop import LESSON_WRT, PARAMETERS, lesson
from torch_reference import bounds
from torch_reference.lesson.curvature import hessians, segment_bounds
from torch_reference.lesson.training import History, train
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


def test_a_descent_that_is_bounded_in_parts_has_the_bounds_of_the_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To within their own rounding: 60 steps on 100,000 observations would take 5 GB at once."""
    inputs, observed = lesson.data()
    descent = train(lesson.start(), inputs, observed, max_steps=6)
    whole = trajectory_bounds(descent, descent, inputs, observed, 0.01)
    monkeypatch.setattr("torch_reference.lesson.trajectory.NUMBERS_AT_ONCE", 6)
    parts = trajectory_bounds(descent, descent, inputs, observed, 0.01)
    torch.testing.assert_close(parts, whole, rtol=1e-12, atol=0)
