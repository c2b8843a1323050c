"""The diagnosis: one planted mistake for each, and never one that is not there."""

import pytest
import torch
from torch import nn

import homework as homework
from spoiled_homework import DIAGNOSES
from torch_reference import check_derivation, check_function


@pytest.mark.sample(1)
@pytest.mark.parametrize("kind", DIAGNOSES)
def test_every_diagnosis_is_made_where_the_mistake_is(kind: str) -> None:
    """The first wrong link is the mistake's, and what it feeds is right given what it was handed."""
    name, change = DIAGNOSES[kind]
    report = homework.check(homework.spoiled(change))
    assert report.first_wrong is not None
    assert (report.first_wrong.name, report.first_wrong.diagnosis.kind) == (name, kind)
    assert [finding.name for finding in report.findings if finding.starts_here] == [name]
    assert report.first_wrong.wrong in ("yours", "")


@pytest.mark.slow
def test_two_parameters_that_are_swapped_are_named() -> None:
    """Two biases of the same size."""
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)).double()
    inputs, targets = torch.randn(4, 2).double(), torch.randn(4, 2).double()

    def derivation(p, x, t):
        hidden = x @ p["0.weight"].T + p["0.bias"]
        d_loss_d_output = 2 * (hidden @ p["1.weight"].T + p["1.bias"] - t)
        d_loss_d_hidden = d_loss_d_output @ p["1.weight"]
        return {
            "0.weight": d_loss_d_hidden.T @ x,
            "0.bias": d_loss_d_output.sum(0),
            "1.weight": d_loss_d_output.T @ hidden,
            "1.bias": d_loss_d_hidden.sum(0),
        }

    report = check_derivation(model, homework.loss, inputs, targets, derivation)
    wrong = {finding.name: finding.diagnosis for finding in report.findings if not finding.agrees}
    assert {name: diagnosis.kind for name, diagnosis in wrong.items()} == dict.fromkeys(
        ("1.bias", "0.bias"), "swapped"
    )
    assert "belongs to 0.bias" in wrong["1.bias"].sentence


@pytest.mark.slow
def test_a_derivation_that_reads_the_modules_parameters_is_told_so() -> None:
    """Right at these parameters; at others, all of it or one bias is that of the first."""
    model, loss, inputs, targets = homework.network()
    own = {name: value.detach().clone() for name, value in model.named_parameters()}
    for stale, said in ((own, "every parameter"), ({"output.bias": own["output.bias"]}, "output.bias")):
        report = check_derivation(
            model, loss, inputs, targets, lambda p, x, t, old=stale: homework.derivation(p | old, x, t)
        )
        assert report.note == "at your parameters all is right; these are others, drawn at random near them"
        assert (report.first_wrong.name, report.first_wrong.diagnosis.kind) == ("output", "stale value")
        assert f"the value that {said} had before" in report.first_wrong.diagnosis.sentence


@pytest.mark.medium
def test_a_parameter_that_is_left_out_and_was_zero_is_not_called_stale() -> None:
    """A bias that starts at zero, as the lesson's b3, and does not occur in the derivation."""
    model, loss, inputs, targets = homework.network()
    with torch.no_grad():
        model.output.bias.zero_()
    left_out = {"output.bias": torch.zeros_like(model.output.bias)}
    report = check_derivation(
        model, loss, inputs, targets, lambda p, x, t: homework.derivation(p | left_out, x, t)
    )
    assert (report.first_wrong.name, report.first_wrong.diagnosis.kind) == ("output", "taken as zero")


@pytest.mark.medium
def test_a_value_of_the_call_before_is_stale() -> None:
    """A cached bias: two calls with the same arguments differ as well."""
    cache: list[torch.Tensor] = []

    def derivation(p, x, t):
        cache.append(p["output.bias"].clone())
        return homework.derivation(p | {"output.bias": cache[max(len(cache) - 2, 0)]}, x, t)

    first = homework.check(derivation).first_wrong
    assert (first.name, first.diagnosis.kind) == ("output", "stale value")


def test_a_wrong_dtype_needs_no_diagnosis() -> None:
    """Nor does a gradient that is missing: the verdict says it all."""
    for change in (lambda g: g["output.bias"].float(), lambda g: None):
        wrong = homework.spoiled(lambda g, p, x, change=change: {"output.bias": change(g)})
        assert homework.check(wrong).first_wrong.diagnosis is None


def test_without_observations_no_factor_is_said_to_be_of_their_number() -> None:
    """Half of a gradient with the wrong sign, as of (target - p) for 2 (p - target) (darknet #1011)."""
    wrong = (lambda p, t: ((p - t) ** 2, t - p)), lambda negative, above: (negative * above, None)
    p, t = torch.randn(2, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    report = check_function(wrong, lambda p, t: (p - t) ** 2, p, t, wrt=[0], ways=[])
    assert report.first_wrong.diagnosis.kind == "constant factor", str(report)
