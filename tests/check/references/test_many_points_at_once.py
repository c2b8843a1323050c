"""A difference quotient moves many numbers; where torch's vmap can, they are moved at once."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from autograd_functions import function
from torch_reference import check_function
from torch_reference.check.references.differences import by_differences

images = torch.rand(1, 1, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def blurred(x: Tensor) -> Tensor:
    """A filter and a square root."""
    return conv2d(x, x.new_full((1, 1, 2, 2), 0.25)).sqrt()


def read(x: Tensor) -> Tensor:
    """Reads a number, which no batch lets it do."""
    return x.sin() * math.exp(x.detach().flatten()[0].item() * 0)


def through_numpy(x: Tensor) -> Tensor:
    """As no batch can."""
    return torch.from_numpy(np.sin(x.detach().numpy()))


def slope(given: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, int]:
    """(the gradient of the sum of its outputs, the calls that this took)."""
    calls = 0

    def counted(x: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return given(x)

    leaf = x.clone().requires_grad_()
    by_differences(counted)(leaf).sum().backward()
    assert leaf.grad is not None
    return leaf.grad, calls


@pytest.mark.parametrize("given", [blurred, read, through_numpy])
def test_at_once_or_one_by_one_the_slopes_are_the_same(given: Callable[[Tensor], Tensor]) -> None:
    """Those of autograd, or of what numpy computes; at once it takes few calls."""
    found, calls = slope(given, images)
    leaf = images.clone().requires_grad_()
    (torch.sin(leaf) if given is through_numpy else given(leaf)).sum().backward()
    torch.testing.assert_close(found, leaf.grad, rtol=1e-9, atol=1e-9)
    assert (calls < 30) is (given is blurred)


@pytest.mark.medium
def test_what_differs_is_not_looked_for_on_other_sides_of_a_kink() -> None:
    """A quotient is the same on all; each look at one moved every number of the inputs anew."""
    calls = 0

    def largest(x: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return torch.where(x > 0.3, x.sin(), x)

    wrong = function(lambda ctx, x: largest(x.detach()), lambda ctx, g: 2 * g)
    assert not check_function(wrong, None, images.float(), ways=[], draws=0)
    assert calls < 400  # 1,858 before


def test_what_keeps_its_last_result_keeps_a_plain_one() -> None:
    """Nothing that a batch made is left in the user's own objects."""
    kept: dict[str, Tensor] = {}

    def keeps(x: Tensor) -> Tensor:
        kept["last"] = x.sin()
        return kept["last"] * 2

    slope(keeps, images)
    assert not torch._C._functorch.is_batchedtensor(kept["last"])


def test_other_indices_have_other_derivatives() -> None:
    """What is known of a point is known of its indices and masks, too."""
    index = torch.tensor([0, 2, 1, 3])
    report = check_function(
        lambda x, i: x.flatten()[i].sin(), None, images, index, ways=["repeated indices"], order=1
    )
    assert report, str(report)
    assert dict(report.ways) == {"repeated indices": "agrees"}


def test_a_mask_of_numbers_is_held() -> None:
    """Else a rounding would move its ones, and nothing would be equal to 1."""

    def chosen(x: Tensor) -> Tensor:
        mask = torch.zeros_like(x)
        mask[..., 0] = 1
        return x[mask == 1].sin() * 2

    assert check_function(chosen, None, images, ways=[], order=1)


def test_values_in_memory_of_float32_are_as_sure_as_that() -> None:
    """A small step moves none of them; the derivative is not zero for that."""

    def written(x: Tensor) -> Tensor:
        made = torch.zeros(2)
        made[0], made[1] = (1 + 1e-3 * x.sin()).sum(), 2.0
        return made

    report = check_function(written, None, images, ways=[], order=1)
    assert not any(finding.wrong == "yours" for finding in report.findings), str(report)


def test_what_is_detached_on_purpose_is_not_in_the_values() -> None:
    """The report says how to say what is meant."""
    report = check_function(lambda x: x * x.detach().exp(), None, images, ways=[], draws=0)
    assert not report
    assert "detached on purpose" in " ".join(str(report).split())


def test_two_equal_inputs_of_no_distance_are_out_of_the_domain() -> None:
    """The logarithm of zero is no finite number, and its derivative none."""
    report = check_function(
        lambda a, b: (a - b).square().mean().log(), None, images, images + 1, ways=["one tensor twice"]
    )
    assert report, str(report)
