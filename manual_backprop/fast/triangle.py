"""Any number of observations in a triangle of ten numbers, on which the lesson's descent costs nothing.

While the hidden layer is frozen, y1 and y2 are mere numbers, and every residual is a row of the matrix
A = [y1, y2, 1, Observed] times the same four numbers:

    Residual = A · p  with  p = (−w3, −w4, −b3, 1)

The SSR is the squared length of A p, and no rotation changes a length. A QR factorisation A = Q R finds the
rotation that turns the n rows into four: ‖A p‖ = ‖R p‖ for every p. So the four rows of R are four
observations that stand for all n, with a column of their own in the place of 1, and the lesson's chain on
these four is the lesson's chain on all. The triangles of two data sets, one above the other, are four
observations for each; their QR is the triangle of both. Hence data may come in blocks, from files larger
than memory, and from several machines.

Why not AᵀA, which is smaller still? It squares: a fit whose residuals are 1e-9 of the observations has an SSR
of 1e-18 of their squares, which AᵀA in float64 cannot hold. R loses nothing of the kind; docs/scale.md
derives how far it may be off.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from manual_backprop.checks import check_names, check_network
from manual_backprop.fast.seven_parameters import HIDDEN, SEVEN
from manual_backprop.lesson import elementary

BLOCK = 16384
"""Observations that are worked on at once: five columns of them fit the second-level cache."""

LEAF = 256
"""Rows of one QR factorisation: shorter ones are slower (by half at 64), longer ones have a larger bound."""


@dataclass(frozen=True, eq=False)
class Triangle:
    """All that w3, w4, b3 and the SSR need to know of any number of observations; always float64.

    Row k is (y1, y2, one, observed) of one of the four observations that stand for all.

    Shapes: hidden[name] (*batch), rows (*batch, 4, 4), zero below the diagonal
    """

    hidden: Mapping[str, Tensor]
    rows: Tensor
    roundings: int  # each column of A is off by at most so many times 2⁻⁵³ of its length: docs/scale.md
    observations: int


def from_data(
    parameters: Mapping[str, Float[Tensor, "*parameter_batch"]],
    inputs: Float[Tensor, "*data_batch n"],
    observed: Float[Tensor, "*data_batch n"],
) -> Triangle:
    """The triangle of a data set: R of the QR factorisation of [y1, y2, 1, Observed].

    Data in float32 are converted first, block by block: their triangle costs the same, and a sum over a
    billion observations in float32 could be off by all of itself.

    Formula: RᵀR = AᵀA, R upper triangular
    Shapes:  those of forward, any n ≥ 1
    Errors:  those of forward; w3, w4 and b3 may be missing, and are ignored
    Source:  Golub and Van Loan, Matrix Computations, section 5.3 (least squares by Householder QR)
    """
    hidden = checked_hidden(parameters, inputs, observed)
    blocks = (slice(first, first + BLOCK) for first in range(0, inputs.shape[-1], BLOCK))
    return merge(_of_block(hidden, inputs[..., block], observed[..., block]) for block in blocks)


def checked_hidden(parameters: Mapping[str, Tensor], inputs: Tensor, observed: Tensor) -> dict[str, Tensor]:
    """The hidden layer's parameters in float64, if all is well with them and the data; from_data's errors."""
    check_names(parameters, SEVEN)
    # A triangle is made for these: where one of them moves, the data are needed again.
    hidden = {name: parameters[name] for name in HIDDEN if name in parameters}
    check_network(HIDDEN, hidden, inputs, observed)
    return {name: value.double() for name, value in hidden.items()}


def empty(parameters: Mapping[str, Float[Tensor, "*batch"]]) -> Triangle:
    """The triangle of no observations, which changes no other: of a process that had no data to read."""
    hidden = {name: parameters[name].double() for name in HIDDEN}
    return Triangle(hidden, hidden["w1"].new_zeros((*hidden["w1"].shape, 4, 4)), roundings=0, observations=0)


def merge(triangles: Iterable[Triangle]) -> Triangle:
    """The triangle of all observations together, in constant memory, however many triangles come.

    Equal triangles in equal order give equal bits. They are merged in a tree of LEAF / 4 branches, so that
    the bound grows with the logarithm of their number.

    Formula: RᵀR = R₁ᵀR₁ + R₂ᵀR₂ + …
    Errors:  ValueError for none at all, or for triangles of different hidden layers
    """
    levels: list[list[Triangle]] = [[]]
    for triangle in triangles:
        carry = triangle
        for level in levels:
            level.append(carry)
            if len(level) < LEAF // 4:
                break
            carry = _stack(level)
            level.clear()
        else:
            levels.append([carry])
    # The higher levels hold the earlier observations.
    left = [triangle for level in reversed(levels) for triangle in level]
    if not left:
        raise ValueError("merge needs at least one triangle, found none")
    return left[0] if len(left) == 1 else _stack(left)


def _of_block(hidden: Mapping[str, Tensor], inputs: Tensor, observed: Tensor) -> Triangle:
    inputs, observed = inputs.double(), observed.double()
    column = {name: value.unsqueeze(-1) for name, value in hidden.items()}
    y1 = elementary.softplus(column["w1"] * inputs + column["b1"])
    y2 = elementary.softplus(column["w2"] * inputs + column["b2"])
    rows = torch.stack([y1, y2, torch.ones_like(y1), observed.expand_as(y1)], -1)
    return Triangle(hidden, *factorised(rows), observations=rows.shape[-2])


def _stack(triangles: Sequence[Triangle]) -> Triangle:
    first = triangles[0]
    for triangle in triangles:
        check_hidden(first, triangle.hidden)
    rows, roundings = factorised(torch.cat([triangle.rows for triangle in triangles], -2))
    roundings += max(triangle.roundings for triangle in triangles)
    return Triangle(first.hidden, rows, roundings, sum(triangle.observations for triangle in triangles))


def factorised(rows: Tensor) -> tuple[Tensor, int]:
    """R, by a tree of factorisations of at most LEAF rows each, and the bound of its roundings."""
    # The squares of a column of 1e-160 underflow. Powers of two, exact, bring the largest of each to about 1.
    largest = rows.abs().amax(-2, keepdim=True).clamp(min=2.0**-1000)
    scales = torch.frexp(largest).mantissa / largest
    rows, roundings = rows * scales, 0
    while rows.shape[-2] > LEAF:
        leaves = _padded(rows, -rows.shape[-2] % LEAF).reshape(*rows.shape[:-2], -1, LEAF, 4)
        rows = torch.linalg.qr(leaves, mode="r").R.flatten(-3, -2)
        roundings += roundings_of(LEAF)
    rows = _padded(rows, 4 - rows.shape[-2])
    return torch.linalg.qr(rows, mode="r").R / scales, roundings + roundings_of(rows.shape[-2])


def roundings_of(rows: int) -> int:
    """The bound of one Householder QR of so many rows and four columns, in units of 2⁻⁵³: docs/scale.md."""
    return 24 * rows + 284


def _padded(rows: Tensor, count: int) -> Tensor:
    """Rows of zeros at the end add nothing to any sum of squares."""
    if count <= 0:
        return rows
    return torch.cat([rows, rows.new_zeros((*rows.shape[:-2], count, 4))], -2)


def check_hidden(triangle: Triangle, hidden: Mapping[str, Tensor]) -> None:
    """Raise ValueError unless these are, to the bit, the parameters that the triangle was made for."""
    for name, value in hidden.items():
        if not torch.equal(value, triangle.hidden[name]):
            raise ValueError(
                f"the triangle was made for another {name}: a hidden layer that moves needs the data again"
            )
