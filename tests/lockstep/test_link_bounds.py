"""The bounds of a perceptron's links are those of link_bounds.py's docstring, in exact fractions."""

from collections.abc import Callable, Iterator
from fractions import Fraction

import pytest
import torch
from torch import Tensor

from torch_reference.lockstep.link_bounds import (
    OPERATIONS,
    activation_bounds,
    gamma,
    linear_bounds,
    loss_bounds,
    update_bounds,
)
from torch_reference.lockstep.link_by_link import links
from torch_reference.losses.table import LOSSES
from torch_reference.networks.perceptron import sequential
from training.run import judged
from trainings import small_case, steps_of

U = Fraction(1, 2**53)
TINY = Fraction(2) ** -1022  # float64's smallest normal number: a kernel may flush what is below it to zero
Rows = list[list[Fraction]]


def draw(*shape: int, scale: float = 1.0) -> Tensor:
    """Numbers of both signs and of all sizes around 1, or zeros."""
    generator = torch.Generator().manual_seed(sum(shape))
    return scale * torch.randn(shape, generator=generator, dtype=torch.float64)


def sizes(tensor: Tensor) -> Rows:
    """The absolute values of a matrix, exactly."""
    return [[abs(Fraction(number)) for number in row] for row in tensor.tolist()]


def within(size: Fraction, operations: int) -> Fraction:
    """Two witnesses, each of so many roundings of a size, or of so many flushed numbers."""
    return 2 * (operations * U / (1 - operations * U) * size + operations * TINY)


def assert_written_twice(found: Tensor, expected: Callable[[int, int], tuple[Fraction, int]]) -> None:
    """Each element is within the expected number of operations, to the roundings of its own evaluation.

    Nothing is subtracted: up to 12 terms of a product, a sum or two, γ's three operations and the last sum.
    """
    for place, value in elements(found):
        size, operations = expected(*place)
        exact = within(size, operations)
        assert abs(Fraction(value) - exact) <= 20 * U * exact, place


def elements(tensor: Tensor) -> Iterator[tuple[tuple[int, int], float]]:
    """The elements of a matrix with their places; a vector is one row."""
    for i, row in enumerate(tensor.reshape(-1, tensor.shape[-1]).tolist()):
        for j, value in enumerate(row):
            yield (i, j), value


scales = pytest.mark.parametrize("scale", [1.0, 0.0], ids=["normal", "all flushed"])


@scales
def test_a_linear_layers_bounds_count_the_terms_of_each_sum(scale: float) -> None:
    """2 rows, 3 inputs and 4 outputs: γ has 4 operations in the output, 4, 2 and 2 in the derivatives."""
    tensors = [draw(*shape, scale=scale) for shape in ((2, 3), (4, 3), (1, 4), (2, 4))]
    x, w, [b], d = (sizes(tensor) for tensor in tensors)
    inputs, weight, [bias], upstream = tensors
    found = linear_bounds(inputs, weight, bias, upstream)
    assert found["bias"].shape == (4,)
    assert_written_twice(found["output"], lambda i, j: (sum(x[i][k] * w[j][k] for k in range(3)) + b[j], 4))
    assert_written_twice(found["input"], lambda i, k: (sum(d[i][j] * w[j][k] for j in range(4)), 4))
    assert_written_twice(found["weight"], lambda j, k: (sum(d[i][j] * x[i][k] for i in range(2)), 2))
    assert_written_twice(found["bias"], lambda _, j: (d[0][j] + d[1][j], 2))


@scales
@pytest.mark.parametrize("mixes_rows", [False, True])
def test_an_activations_bounds_know_terms_of_the_size_of_its_input(mixes_rows: bool, scale: float) -> None:
    """Softmax sums along a row of 3: 3 operations more, and the whole row's upstream."""
    tensors = inputs, output, upstream, slope = [scale * (draw(2, 3) + shift) for shift in (0, 1, -1, 2)]
    x, y, d, s = (sizes(tensor) for tensor in tensors)
    found = activation_bounds(inputs, output, upstream, slope, mixes_rows)
    operations = 16 + 3 * mixes_rows
    assert_written_twice(found["output"], lambda i, j: (1 + x[i][j] + y[i][j], operations))
    assert_written_twice(
        found["input"],
        lambda i, j: ((1 + x[i][j]) * ((sum(d[i]) if mixes_rows else d[i][j]) + s[i][j]), operations),
    )


@pytest.mark.parametrize("is_mean", [False, True])
@pytest.mark.parametrize("of_classes", [False, True])
def test_a_losss_bounds_have_one_term_for_each_prediction(of_classes: bool, is_mean: bool) -> None:
    """A mean over 2 classes, or over 6 numbers; the loss itself sums over all 6."""
    predicted, numbers = draw(2, 3), draw(2, 3) + 1
    targets, value = (torch.tensor([2, 0]) if of_classes else numbers), torch.tensor(-3.0).double()
    p, t = sizes(predicted), sizes(numbers)
    weight = Fraction(1, 2 if of_classes else 6) if is_mean else Fraction(1)

    def size(i: int, j: int) -> Fraction:
        return weight * (1 + max(p[i]) + (0 if of_classes else t[i][j]))

    found = loss_bounds(predicted, targets, value, is_mean)
    assert_written_twice(found["predicted"], lambda i, j: (size(i, j), 16 + 3))
    whole = 3 + sum(size(i, j) for i in range(2) for j in range(3))
    assert_written_twice(found["loss"].reshape(1), lambda *_: (whole, 16 + 6))


@scales
def test_an_updates_bound_is_of_the_size_of_both_ends(scale: float) -> None:
    """What is between them is not larger."""
    before, after = scale * draw(2, 3), scale * (draw(2, 3) - 1)
    b, a = sizes(before), sizes(after)
    assert_written_twice(update_bounds(before, after), lambda i, j: (b[i][j] + a[i][j], OPERATIONS))


@pytest.mark.parametrize("activation", ["tanh", "softmax"])
@pytest.mark.parametrize("loss", LOSSES)
def test_each_link_is_judged_by_the_bound_of_its_kind(loss: str, activation: str) -> None:
    """A mean divides by its terms and a sum does not; softmax mixes a row and tanh does not."""
    case = small_case(activation, loss)
    step = judged(next(steps_of(case, 1)))
    found = {link.name: link for link in links(sequential(case.widths, case.activations), step, loss)}
    is_mean = loss == "mean_squared_error" or loss.endswith("_mean")
    of_loss = loss_bounds(step["2.output"], step["targets"], found["loss"].expected, is_mean)
    assert torch.equal(found["loss"].bound, of_loss["loss"])
    assert torch.equal(found["d_loss_d_2.output"].bound, of_loss["predicted"])
    of_module = activation_bounds(
        *(step[name] for name in ("0.output", "1.output", "d_loss_d_1.output")),
        found["d_loss_d_0.output"].expected,
        mixes_rows=activation == "softmax",
    )
    assert torch.equal(found["d_loss_d_0.output"].bound, of_module["input"])


def test_the_bounds_are_of_the_tensors_own_precision() -> None:
    """Twice γ of 3 operations: 6 roundings of eps / 2, and a little more."""
    for dtype in (torch.float32, torch.float64):
        unit = torch.finfo(dtype).eps / 2
        assert 6 * unit < gamma(3, torch.zeros((), dtype=dtype)) < 6 * unit * (1 + 4 * unit)
