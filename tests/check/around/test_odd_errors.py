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


def test_an_object_that_cannot_be_written_is_told_by_its_type() -> None:
    """An output beside the numbers, whose repr raises, is another than the reference's, and that is said."""

    class Silent:
        def __eq__(self, other: object) -> bool:
            return False

        def __hash__(self) -> int:
            return 0

        def __repr__(self) -> str:
            raise RuntimeError("no words")

    report = check_function(lambda x: (x * 2, Silent()), lambda x: (x * 2, Silent()), x, ways=[], order=1)
    assert "expected an object of Silent, found an object of Silent" in " ".join(str(report).split())
