"""A course's assignment is given arrays everywhere, and judged as it is: by numpy's own functions."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import layer_norm

from torch_reference import check_function

Array = Any
draw = np.random.default_rng(0)


def norm_forward(x: Array, gain: Array, offset: Array) -> tuple[Array, Any]:
    """A variance without Bessel's correction, which a tensor's var has."""
    deviation = np.sqrt(x.var(1, keepdims=True) + 1e-5)
    normal = (x - x.mean(1, keepdims=True)) / deviation
    return gain * normal + offset, (normal, deviation, gain)


def norm_backward(saved: Any, d_y: Array) -> tuple[Array, ...]:
    """By arrays' own methods, which no tensor has all of."""
    normal, deviation, gain = saved
    assert isinstance(d_y, np.ndarray)
    d_h = d_y * gain
    d_x = d_h - d_h.mean(1, keepdims=True) - normal * (d_h * normal).mean(1, keepdims=True)
    return d_x / deviation, (d_y * normal).sum(axis=0), d_y.sum(axis=0)


@pytest.mark.medium
@pytest.mark.parametrize("with_reference", [True, False])
def test_a_layer_norm_of_arrays_is_right(with_reference: bool) -> None:
    """With and without a reference; what is mended to be wrong is refused."""

    def reference(x: Tensor, gain: Tensor, offset: Tensor) -> Tensor:
        return layer_norm(x, (4,), gain, offset)

    arguments = draw.normal(size=(3, 4)), draw.normal(size=4), draw.normal(size=4)
    chosen = reference if with_reference else None
    right = check_function((norm_forward, norm_backward), chosen, *arguments, ways=[], order=1)
    assert right.agrees, right

    def doubled(saved: Any, d_y: Array) -> tuple[Array, ...]:
        d_x, d_gain, d_offset = norm_backward(saved, d_y)
        return d_x, 2 * d_gain, d_offset

    wrong = check_function((norm_forward, doubled), chosen, *arguments, ways=[], order=1)
    assert [finding.name for finding in wrong.findings if not finding.agrees] == ["inputs[1]"]


def test_products_take_arrays_from_either_side() -> None:
    """An array by a tensor is an error of numpy's."""

    def backward(saved: Any, d_y: Array) -> tuple[Array, Array]:
        x, weight = saved
        return d_y @ weight.T, x.T @ d_y

    arguments = draw.normal(size=(3, 4)), draw.normal(size=(4, 2))
    assert check_function((lambda x, w: (x @ w, (x, w)), backward), torch.matmul, *arguments, order=1)


def test_a_loss_that_is_a_python_number_is_one() -> None:
    """It is the reference's tensor of no dimension."""

    def pair(factor: float) -> Any:
        return lambda x: (float(factor * (x**2).sum()), x), lambda x, d_loss: 2 * x * d_loss

    x = draw.normal(size=5)
    assert check_function(pair(1.0), lambda x: x.square().sum(), x, order=1)
    assert not check_function(pair(1.1), lambda x: x.square().sum(), x, order=1)


def relu_of_a_product(x: Array, weight: Array) -> tuple[Array, Any]:
    """By a dot of arrays, which tensors take for vectors only."""
    product = x.dot(weight)
    return np.maximum(0, product), (x, weight, product)


def its_backward(saved: Any, d_y: Array) -> tuple[Array, Array]:
    """The same."""
    x, weight, product = saved
    d_product = d_y * (product > 0)
    return d_product.dot(weight.T), x.T.dot(d_product)


def spread_forward(x: Array) -> tuple[Array, Array]:
    """Without Bessel's correction, which a tensor's var has: other numbers, and no error."""
    return x.var(0) ** 0.5, x


def spread_backward(x: Array, d_y: Array) -> Array:
    """Of arrays."""
    return d_y * (x - x.mean(0)) / (np.shape(x)[0] * x.var(0) ** 0.5)


@pytest.mark.parametrize("with_reference", [True, False])
def test_given_tensors_it_is_handed_arrays(with_reference: bool) -> None:
    """Where it does not do with tensors; the report says so."""
    x, weight = torch.randn(3, 4, dtype=torch.float64), torch.randn(4, 2, dtype=torch.float64)
    chosen = (lambda x, weight: (x @ weight).relu()) if with_reference else None
    report = check_function((relu_of_a_product, its_backward), chosen, x, weight, ways=[], order=1)
    assert report, str(report)
    assert "handed numpy's arrays (x.numpy()): with tensors they raise an\n" in str(report)

    def halved(saved: Any, d_y: Array) -> tuple[Array, Array]:
        d_x, d_weight = its_backward(saved, d_y)
        return d_x, d_weight / 2

    wrong = check_function((relu_of_a_product, halved), chosen, x, weight, ways=[], order=1, draws=0)
    assert [finding.name for finding in wrong.findings if not finding.agrees] == ["inputs[1]"]


def test_what_tensors_make_other_numbers_of_is_handed_arrays() -> None:
    """np is named in it; x.var means something else there."""
    x = torch.randn(4, 3, dtype=torch.float64)
    report = check_function(
        (spread_forward, spread_backward), lambda x: x.std(0, correction=0), x, ways=[], order=1
    )
    assert report, str(report)
    assert "with tensors they make\n" in str(report)


def test_a_wrong_one_is_handed_arrays_where_its_forward_pass_needs_them() -> None:
    """What a tensor's var makes of the output is not the user's mistake."""

    def doubled(x: Array, d_y: Array) -> Array:
        return 2 * np.asarray(spread_backward(x, d_y))

    x = torch.randn(4, 3, dtype=torch.float64)
    pair = spread_forward, doubled
    report = check_function(pair, lambda x: x.std(0, correction=0), x, ways=[], order=1, draws=0)
    assert [finding.name for finding in report.findings if not finding.agrees] == ["inputs[0]"]


def test_what_is_no_array_is_handed_to_nobody() -> None:
    """A sparse tensor, which numpy has not: the error of the backward is told."""

    def fails(saved: Any, d_y: Array) -> Array:
        raise RuntimeError("as it does")

    x = torch.eye(3, dtype=torch.float64)
    for other in (x.to_sparse(), x.to(torch.bfloat16)):
        report = check_function((lambda x, _: (x * 2, None), fails), lambda x, _: 2 * x, x, other, wrt=[0])
        assert "as it does" in str(report)


def test_of_a_pair_whose_forward_takes_arrays_alone_the_error_of_its_backward_is_told() -> None:
    """Not that of its forward when it was given a tensor, which is none of theirs."""

    def forward(x: Array) -> tuple[Array, Array]:
        return np.max(x, axis=(1, 2)), x

    def backward(x: Array, d_y: Array) -> Array:
        return (x == np.max(x, axis=(1, 2), keepdims=True)) * d_slice[:, None, None]  # type: ignore[name-defined]  # noqa: F821

    x = draw.normal(size=(2, 3, 4))
    report = check_function((forward, backward), lambda x: x.amax((1, 2)), torch.from_numpy(x), order=1)
    (raised,) = (finding for finding in report.findings if not finding.agrees)
    assert raised.name == "backward"
    assert "d_slice" in raised.row.explanation
