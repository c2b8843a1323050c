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
