"""The bound of the triangle is the one that docs/scale.md derives, term by term.

No test of numbers can find that a bound is a little too small: what it misses would have to happen. So it is
written a second time, from the page, in numbers of 50 digits; the code must be within its own rounding of it.
"""

from collections.abc import Iterator, Mapping

import mpmath
import pytest
import torch
from mpmath import mpf
from torch import Tensor

from fifty_digits import MARGIN, UNIT, near, numbers
from manual_backprop import LESSON_WRT, lesson
from manual_backprop.fast.triangle import Triangle
from manual_backprop.fast.triangle_descent import rounding


@pytest.fixture(autouse=True)
def _fifty_digits() -> Iterator[None]:
    with mpmath.workdps(50):
        yield


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
