"""Errors and results of the user's that Python or torch treat in a way of their own."""

import pytest
import torch

from torch_reference import check_function

x = torch.tensor([0.5, -1.0, 2.0])


@pytest.mark.parametrize("error", [StopIteration, GeneratorExit, SystemExit, RecursionError, MemoryError])
def test_whatever_is_raised_is_a_finding(error: type[BaseException]) -> None:
    """contextlib drops the cause of a StopIteration, and a GeneratorExit is no Exception."""

    def raising(x):
        raise error

    report = check_function(raising, torch.sin, x, ways=[])
    assert not report.agrees
    assert error.__name__ in str(report)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_rows_of_several_lengths_are_an_output_of_another_form() -> None:
    """A nested tensor has no shape that torch would tell."""
    report = check_function(lambda x: torch.nested.nested_tensor([x, x[:2]]), torch.sin, x, ways=[])
    assert not report.agrees
