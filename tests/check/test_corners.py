"""What the check does where a derivation, a model or a function is out of the ordinary."""

from dataclasses import replace

import pytest
import torch
from torch import nn

import homework as homework
from torch_reference import check_function
from torch_reference.check.examine import examine_here
from torch_reference.comparison import Row, Verdict
from torch_reference.judging.network_task import network_task
from torch_reference.judging.report import UNKNOWN, Finding, Report
from torch_reference.judging.scalar_objective import NetworkObjective
from torch_reference.judging.witness import who_is_wrong
from torch_reference.layers.random_state import random_state

SEEN = homework.network()[2]


def strange(g, p, x):
    """A bias's gradient in which each element is off by a factor that no known mistake has."""
    return {"hidden.bias": g["hidden.bias"] * (1 + x.sum().tanh() * torch.tensor([1.7, 0.3, 2.9, 0.1]))}


@pytest.mark.slow
def test_a_derivation_that_fails_on_other_data_gets_no_diagnosis() -> None:
    """A kind of mistake is told from two random points at least: this one works at the point given alone."""

    def change(g, p, x):
        if not torch.equal(x, SEEN):
            raise RuntimeError("made for these data only")
        return strange(g, p, x)

    assert homework.check(homework.spoiled(change)).first_wrong.diagnosis == UNKNOWN


@pytest.mark.slow
def test_a_derivation_that_leaves_the_name_out_on_other_data_gets_no_diagnosis() -> None:
    """None stands for no gradient."""

    def change(g, p, x):
        return strange(g, p, x) if torch.equal(x, SEEN) else {"hidden.bias": None}

    assert homework.check(homework.spoiled(change)).first_wrong.diagnosis == UNKNOWN


@pytest.mark.slow
def test_a_factor_in_every_element_is_told_from_few_points_too() -> None:
    """What is returned is compared with what autograd makes of the same upstream gradient."""
    change = homework.spoiled(lambda g, p, x: {"hidden.bias": 1.2345 * g["hidden.bias"]})
    for draws in (1, 3):
        assert homework.check(change, draws=draws).first_wrong.diagnosis.kind == "constant factor"


def test_a_derivation_that_reshapes_its_input_in_place_is_told_so() -> None:
    """The numbers are the same, the shape is not."""

    def change(g, p, x):
        p["output.bias"].unsqueeze_(0)
        return {}

    wrong = [finding for finding in homework.check(homework.spoiled(change)).findings if not finding.agrees]
    assert ("output.bias", Verdict.MUTATED) in [(finding.name, finding.row.verdict) for finding in wrong]


def test_a_function_without_numbers_to_differentiate_is_refused() -> None:
    """A comparison has no slope."""
    pair = (lambda x: (x > 0, x)), lambda saved, g: g
    with pytest.raises(ValueError, match="no floating-point output: there is nothing to differentiate"):
        check_function(pair, lambda x: x > 0, torch.ones(2).double())


def test_a_report_without_a_first_wrong_link_names_none() -> None:
    """Where all that is wrong is inherited."""
    row = Row("w", Verdict.DIFFERS, explanation="it is inherited")
    report = Report((Finding("w", "parameter", row, inherited=True),), "float64")
    assert report.first_wrong is None
    assert "first wrong link" not in str(report)
    assert "first wrong link" in str(
        replace(report, findings=(replace(report.findings[0], inherited=False),))
    )


def test_without_a_number_it_is_the_derivation_that_is_wrong() -> None:
    """A missing gradient needs no third witness."""
    assert who_is_wrong(None, Row("w", Verdict.MISSING), {}, {}, ()) == "yours"  # type: ignore[arg-type]


def test_an_infinite_gradient_is_yours_and_has_a_line() -> None:
    """An infinity was as near to what is handed on as to the right number, and nobody's."""
    wrong = (lambda x: (x * x, x)), lambda x, above: above / 0
    report = check_function(wrong, lambda x: x * x, torch.ones(2) / 3, ways=[], order=1)
    assert report.first_wrong.wrong == "yours"
    assert "above / 0" in str(report)


def test_a_submodule_that_returns_several_tensors_has_each_judged() -> None:
    """An LSTM returns a tuple: of its parts the one that is used is a link."""

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.out = nn.LSTM(2, 3), nn.Linear(3, 1)

        def forward(self, inputs):
            return self.out(self.lstm(inputs)[0])

    model = Last().double()
    objective = NetworkObjective(model, lambda output, targets: output.sum(), random_state())
    point = {f"{name}": value.detach() for name, value in model.named_parameters()}
    _, outputs = objective.run({**point, "inputs": torch.ones(4, 2).double()})
    assert list(outputs) == ["lstm", "lstm.0", "out"]


@pytest.mark.slow
def test_on_either_side_of_a_kink_within_rounding_a_derivation_is_right() -> None:
    """x · 0.1 − 0.03 at x = 0.3 is rounding noise: any slope from 0 to 1 is right there."""
    model = nn.Sequential(nn.Linear(1, 1), nn.ReLU()).double()
    with torch.no_grad():
        model[0].weight.fill_(0.1)
        model[0].bias.fill_(-0.03)

    def report(x: float, slope: float) -> Report:
        inputs = torch.tensor([[x]], dtype=torch.float64)
        gradient = torch.full((1, 1), slope, dtype=torch.float64)
        task = network_task(
            model,
            lambda output, _: output.sum(),
            inputs,
            None,
            lambda p, x, t: {"0.weight": gradient * x, "0.bias": gradient[0].clone()},
        )
        return examine_here(task, draws=0)

    assert [report(0.3, slope).agrees for slope in (0.0, 1.0, 0.5, 1.5)] == [True] * 3 + [False]
    assert [report(0.4, slope).agrees for slope in (0.0, 1.0)] == [False, True]
