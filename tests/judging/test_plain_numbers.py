"""Python numbers and numpy's arrays are taken for gradients, and nothing else is."""

import numpy as np
import pytest
import torch

import homework
from torch_reference import Verdict
from torch_reference.judging.calls.plain_numbers import as_tensors

LIKE = {"w": torch.zeros((), dtype=torch.float64), "v": torch.zeros(2, dtype=torch.float32)}


def taken(**result: object) -> dict[str, torch.Tensor]:
    """What a derivation's result is taken for."""
    return as_tensors(result, LIKE, LIKE["w"])


def test_a_number_has_the_dtype_of_what_it_belongs_to() -> None:
    """In float64 all of its digits are kept, in float32 it is rounded once."""
    assert taken(w=0.1)["w"].item() == 0.1
    assert taken(w=3)["w"].dtype == torch.float64
    assert taken(v=0.1)["v"].equal(torch.tensor(0.1))


def test_an_array_that_is_less_precise_stays_so() -> None:
    """A float32 array is told as one, a float64 array serves a float32 parameter."""
    assert taken(w=np.float32(0.1))["w"].dtype == torch.float32
    assert taken(v=np.array([0.1, 0.2]))["v"].equal(torch.tensor([0.1, 0.2]))
    assert taken(v=np.array([1, 2]))["v"].dtype == torch.float32


@pytest.mark.parametrize("value", ["1.0", [1.0], None, 1j, torch.ones(2, dtype=torch.float16)])
def test_all_else_is_left_as_it_is(value: object) -> None:
    """The check says what it is."""
    assert taken(w=value)["w"] is value


@pytest.mark.slow
def test_a_derivation_may_return_arrays() -> None:
    """The whole homework in numpy agrees, and one number that is off is seen."""

    def in_numpy(p: dict, inputs: torch.Tensor, targets: torch.Tensor) -> dict:
        return {name: value.numpy() for name, value in homework.derivation(p, inputs, targets).items()}

    assert homework.check(in_numpy).agrees
    report = homework.check(homework.spoiled(lambda g, p, x: {"output.bias": 1.0}))
    assert report.first_wrong.row.verdict is Verdict.WRONG_SHAPE
