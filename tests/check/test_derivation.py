"""A derivation for a network of one's own: the first wrong link, and a report that can be read."""

import json
from collections.abc import Callable

import pytest
import torch
from torch import nn

import homework as homework
from torch_reference import Verdict, check_derivation


def test_a_right_derivation_agrees_in_every_element() -> None:
    """The text counts gradients and elements."""
    report = homework.check(homework.derivation)
    agreement = "AGREEMENT: 7 gradients, 76 elements, all within rounding (float64)"
    assert str(report).startswith(f"{agreement}\nleast sharp bound: ")
    assert report.first_wrong is None
    assert report.note == ""


@pytest.mark.medium
def test_a_small_error_in_one_element_is_found_at_its_index() -> None:
    """One part in a million, at [2, 1]."""

    def change(g, p, x):
        g["hidden.weight"][2, 1] *= 1 + 1e-6
        return {"hidden.weight": g["hidden.weight"]}

    finding = homework.check(homework.spoiled(change)).first_wrong
    assert (finding.name, finding.row.index, finding.row.wrong_elements) == ("hidden.weight", (2, 1), 1)
    # What is right here is a few roundings off itself, and 1 + 1e-6 half an eps.
    bound = finding.row.bound / abs(finding.row.reference)
    assert abs(finding.roundings - 1e-6 / 2**-53) <= bound / 2**-53 + 2


@pytest.mark.slow
def test_the_model_its_buffers_and_the_random_numbers_are_left_as_they_were() -> None:
    """Batch norm in training mode keeps its statistics, dropout draws the same mask for every evaluation."""
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, 1)).double()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    inputs, targets = torch.randn(6, 3).double(), torch.randn(6, 1).double()

    def derivation(p, x, t):
        return {name: torch.zeros_like(value) for name, value in p.items()}

    state = torch.get_rng_state()
    check_derivation(model, homework.loss, inputs, targets, derivation)
    assert model.training
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.slow
def test_a_shared_weight_is_one_parameter_whose_uses_add_up() -> None:
    """The weight is tied between two layers; a derivation that keeps the second use only is diagnosed."""
    first, second = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
    second.weight = first.weight
    model = nn.Sequential(first, nn.Tanh(), second).double()
    inputs, targets = torch.randn(4, 3).double(), torch.randn(4, 3).double()

    def derivation(uses):
        def gradients(p, x, t):
            weight = p["0.weight"]
            activation = torch.tanh(x @ weight.T)
            d_loss_d_output = 2 * (activation @ weight.T - t)
            d_loss_d_hidden = (d_loss_d_output @ weight) * (1 - activation**2)
            terms = (d_loss_d_hidden.T @ x, d_loss_d_output.T @ activation)
            return {"0.weight": sum(terms[use] for use in uses)}

        return gradients

    assert check_derivation(model, homework.loss, inputs, targets, derivation((0, 1))).agrees
    for use in (0, 1):
        wrong = check_derivation(model, homework.loss, inputs, targets, derivation((use,))).first_wrong
        assert wrong.diagnosis.kind == "one use only"


def test_a_submodule_that_is_called_twice_has_no_gradient_of_its_output() -> None:
    """Whose output would be meant? The report says so, and the parameters are judged all the same."""

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 2, bias=False)

        def forward(self, x):
            return self.layer(self.layer(x))

    inputs = torch.randn(3, 2).double()

    def derivation(p, x, t):
        weight = p["layer.weight"]
        hidden, d_loss_d_output = x @ weight.T, torch.ones(3, 2).double()
        d_loss_d_weight = d_loss_d_output.T @ hidden + (d_loss_d_output @ weight).T @ x
        return {"layer": d_loss_d_output, "layer.weight": d_loss_d_weight}

    report = check_derivation(Twice().double(), lambda output, _: output.sum(), inputs, None, derivation)
    assert [(f.name, f.row.verdict) for f in report.findings] == [
        ("layer.weight", Verdict.AGREES),
        ("layer", Verdict.EXTRA),
    ]
    assert "called 2 times" in str(report)


@pytest.mark.slow
def test_what_is_remembered_from_the_first_parameters_is_found_at_others() -> None:
    """A derivation that closes over the model's parameters is right at these, and at no others."""
    model, loss, inputs, targets = homework.network()
    old = {"output.bias": model.output.bias.detach().clone()}
    of_old = lambda p, x, t: homework.derivation(p | old, x, t)  # noqa: E731
    report = check_derivation(model, loss, inputs, targets, of_old)
    assert not report.agrees
    assert "at your parameters all is right" in str(report)


def test_values_of_1e_minus_30_and_1e30_in_one_tensor_are_judged_each_by_itself() -> None:
    """An absolute tolerance would pass the small element, and the norm of the whole would hide it."""
    model = nn.Linear(2, 1, bias=False).double()
    inputs = torch.tensor([[1e-30, 1e30]]).double()

    def derivation(scale):
        return lambda p, x, t: {"weight": x * torch.tensor([[scale, 1.0]]).double()}

    def total(output, _):
        return output.sum()

    assert check_derivation(model, total, inputs, None, derivation(1.0)).agrees
    wrong = check_derivation(model, total, inputs, None, derivation(-1.0)).first_wrong
    assert (wrong.row.index, wrong.row.wrong_elements) == ((0, 0), 1)


REPORTS = {
    "a diagnosis": lambda g, p, x: homework.below_the_activation(g["activation"], x),
    "a wrong shape": lambda g, p, x: {"hidden": g["hidden"].sum(0)},
    "NaN": lambda g, p, x: homework.below_the_activation(g["activation"] * torch.nan, x),
    "infinity": lambda g, p, x: homework.below_the_activation(g["hidden"] / 0, x),
}


@pytest.mark.sample(1)
@pytest.mark.parametrize("change", REPORTS.values(), ids=REPORTS)
def test_the_report_fits_80_columns_and_a_json_file(change: Callable) -> None:
    """Text for people, to_dict for machines; a NaN is no JSON."""
    report = homework.check(homework.spoiled(change))
    assert max(map(len, str(report).splitlines())) <= 80
    document = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert (document["agree"], document["first_wrong"]) == (False, "hidden")
    assert next(finding["name"] for finding in document["findings"] if not finding["agrees"]) == "hidden"


def test_a_long_name_is_wrapped_and_not_broken() -> None:
    """A parameter of a deep module, 60 characters of it."""
    layer = nn.Linear(2, 1, bias=False).double()
    for name in ("self_attention", "transformer_encoder_layer", "encoder_stack"):
        layer = nn.ModuleDict({name: layer})
        layer.forward = lambda x, of=layer, name=name: of[name](x)
    [name] = dict(layer.named_parameters())
    report = check_derivation(
        layer, lambda output, _: output.sum(), torch.ones(1, 2).double(), None, lambda p, x, t: {name: -x}
    )
    assert max(map(len, str(report).splitlines())) <= 80
    assert str(report).count(name) == 3


BAD = {
    "no parameters": (nn.Tanh(), "^the model has no parameters: there is no gradient to compare$"),
}


@pytest.mark.parametrize(("model", "message"), BAD.values(), ids=BAD)
def test_a_model_that_cannot_be_checked_is_one_clear_line(model: nn.Module, message: str) -> None:
    """Said before anything is run."""
    with pytest.raises(ValueError, match=message):
        check_derivation(model, homework.loss, torch.ones(1, 3), torch.ones(1, 2), homework.derivation)


def test_a_loss_that_is_no_number_is_an_error_and_a_result_that_is_no_mapping_a_finding() -> None:
    """Each says what was found."""
    model, _, inputs, targets = homework.network()
    with pytest.raises(ValueError, match=r"the loss must be one number, found shape \(5, 2\)"):
        check_derivation(model, lambda output, t: output - t, inputs, targets, homework.derivation)
    for derivation, found in (
        (homework.returns_a_list, "found list"),
        (homework.spoiled(lambda g, p, x: {"hidden": "a word"}), "found 'hidden': str"),
    ):
        report = homework.check(derivation)
        assert report.first_wrong.row.verdict is Verdict.RAISED
        assert (
            f"a derivation must return a mapping name -> tensor, {found}"
            in report.first_wrong.row.explanation
        )
        assert report.user_code_failed
