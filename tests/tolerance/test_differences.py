"""How far two numbers are apart, an infinity among them."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from torch_reference import Verdict
from torch_reference.tolerance.verdicts import Tolerance


def verdict(point: Mapping[str, Tensor], value: Tensor) -> Verdict:
    """The verdict on the derivative of Σ up x³."""

    def reference(point: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {"x": point["up"] * 3 * point["x"] * point["x"]}

    return Tolerance(reference, point).rows({"x": value})["x"].verdict


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_infinity_is_the_rounding_of_what_its_dtype_cannot_hold(dtype: torch.dtype) -> None:
    """With the right sign, at an element that is so large; where much of it is so, nothing is known."""
    x = torch.linspace(0.5, 2.0, 10).to(dtype)
    up = torch.ones(10, dtype=dtype)
    up[3] = torch.finfo(dtype).max

    right = (3 * up.double() * x.double() ** 2).to(dtype)
    assert right[3] == torch.inf
    assert verdict({"x": x, "up": up}, right) is Verdict.AGREES
    for place, value in ((3, -torch.inf), (2, torch.inf), (3, torch.finfo(dtype).max / 2), (3, torch.nan)):
        wrong = right.clone()
        wrong[place] = value
        assert verdict({"x": x, "up": up}, wrong) is not Verdict.AGREES
    up[:4] = torch.finfo(dtype).max
    right = (3 * up.double() * x.double() ** 2).to(dtype)
    assert verdict({"x": x, "up": up}, right) is Verdict.INCONCLUSIVE
