"""Errors and results of the user's that Python or torch treat in a way of their own."""

import pytest
import torch

from torch_reference import check_derivation, check_function

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


@pytest.mark.medium
def test_no_warning_comes_of_how_lines_are_looked_at(recwarn: pytest.WarningsRecorder) -> None:
    """There the user's numbers have a graph, of which torch warns where one becomes a Python number."""
    model = torch.nn.Linear(3, 1).double()

    def derive(p, inputs, targets):
        d_out = -2 * (inputs @ p["weight"].T + p["bias"] - targets)
        return {"weight": d_out.T @ inputs, "bias": torch.tensor([float(d_out.sum())]).double()}

    data, targets = torch.randn(5, 3).double(), torch.randn(5, 1).double()
    assert not check_derivation(model, lambda out, t: ((out - t) ** 2).sum(), data, targets, derive)
    pair = (lambda x: (x * 2 + 0 * float(x.sum()), x)), lambda x, d_y: d_y * 3
    assert not check_function(pair, lambda x: x * 2, x, ways=[])
    assert not [str(each.message) for each in recwarn]
