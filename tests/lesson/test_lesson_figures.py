"""The figures of the lesson hold, to the digits in which the lesson states them."""

import pytest
import torch
from torch import Tensor

import manual_backprop
import torch_reference
from manual_backprop import lesson

WITNESSES = pytest.mark.parametrize("witness", [manual_backprop, torch_reference], ids=lambda m: m.__name__)
LESSON = (lesson.start(), *lesson.data())


def rounded(values: Tensor) -> list[float]:
    """The four decimals of the lesson."""
    return [round(value, 4) for value in values.tolist()]


def test_the_forward_pass_has_the_lessons_figures() -> None:
    """y1, y2, Predicted and the SSR at the start."""
    trace = manual_backprop.forward(*LESSON)
    assert rounded(trace.y1) == [0.2146, 0.8203, 2.0481]
    assert rounded(trace.y2) == [1.0182, 0.2644, 0.0505]
    assert rounded(trace.predicted) == [0.7187, 0.4619, 0.7691]
    assert round(trace.ssr.item(), 4) == 1.3977


@WITNESSES
def test_the_derivatives_at_the_start_have_the_lessons_figures(witness) -> None:
    """w3, w4 and b3 are the default; a correct derivation in float64 found the figures, as this one is."""
    gradient, bounds = witness.gradients(*LESSON), torch_reference.bounds(*LESSON)
    figures = {"w3": 2.576139529882881, "w4": 1.2567622996820274, "b3": 1.8995546661671223}
    assert list(gradient) == list(figures)
    for name, figure in figures.items():
        assert abs(gradient[name].item() - figure) <= bounds[name]


def test_the_hessian_of_the_output_layer_has_the_lessons_eigenvalues() -> None:
    """0.1106, 3.0841 and 14.8510, from differences of the manual gradient, linear in w3, w4, b3."""
    parameters, *data = LESSON
    names = manual_backprop.LESSON_WRT
    start = manual_backprop.gradients(parameters, *data)
    columns = []
    for name in names:
        moved = manual_backprop.gradients({**parameters, name: parameters[name] + 1}, *data)
        columns.append(torch.stack([moved[row] - start[row] for row in names]))
    hessian = torch.stack(columns, dim=1)
    assert rounded(torch.linalg.eigvalsh((hessian + hessian.T) / 2)) == [0.1106, 3.0841, 14.8510]


def test_the_data_and_the_starts_are_the_lessons() -> None:
    """Dosages, effectiveness and both sets of starting values."""
    assert (lesson.INPUTS, lesson.OBSERVED) == ((0.0, 0.5, 1.0), (0.0, 1.0, 0.0))
    assert tuple(lesson.START) == tuple(lesson.START_OF_ALL_SEVEN) == manual_backprop.PARAMETERS
    assert {name: lesson.START[name] for name in ("w1", "b1", "w2", "b2")} == {
        "w1": 3.34,
        "b1": -1.43,
        "w2": -3.53,
        "b2": 0.57,
    }
