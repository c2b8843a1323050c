"""The rule of agreement of two witnesses, and its one line for each disagreement."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from torch_reference.tolerance.agreement import disagreements


def square(inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """2 x, by autograd."""
    leaf = inputs["x"].detach().clone().requires_grad_()
    return {"x": torch.autograd.grad((leaf * leaf).sum(), leaf)[0]}


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        (torch.tensor([2.0, torch.nan], dtype=torch.float64), "x: off by nan"),
        (torch.tensor([2.0, torch.inf], dtype=torch.float64), "x: off by inf"),
        (torch.tensor([2.0, 4.0 + 1e-12], dtype=torch.float64), "x: off by 1e-12, where rounding explains"),
        (torch.tensor([2.0, 4.0]), r"x: (2,) of torch.float32, expected (2,) of torch.float64"),
        (torch.tensor([[2.0, 4.0]], dtype=torch.float64), r"x: (1, 2) of torch.float64, expected (2,)"),
    ],
)
def test_what_is_not_the_reference_within_rounding_is_named(wrong: Tensor, line: str) -> None:
    """NaN, infinity, another dtype or shape, and a thousand roundings: each in one line."""
    inputs = {"x": torch.tensor([1.0, 2.0], dtype=torch.float64)}
    assert disagreements({"x": square(inputs)["x"]}, square, inputs) == []
    assert [str(row)[: len(line)] for row in disagreements({"x": wrong}, square, inputs)] == [line]


def test_a_name_that_one_side_lacks_is_named() -> None:
    """Neither a missing gradient nor one too many passes."""
    inputs = {"x": torch.ones(1, dtype=torch.float64)}
    right = square(inputs)["x"]
    assert [row.name for row in disagreements({}, square, inputs)] == ["x"]
    assert [row.name for row in disagreements({"x": right, "y": right}, square, inputs)] == ["y"]
