"""A derivation for a network of one's own: the first wrong link, the diagnosis, the rules of hygiene."""

import json
from collections.abc import Callable

import homework
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from torch_reference import Report, Verdict, check_derivation
from torch_reference.assertions import assert_gradients_match


def check(derivation: Callable) -> Report:
    """The student's network with that derivation."""
    return check_derivation(*homework.network(), derivation)


def test_a_right_derivation_agrees_in_every_element() -> None:
    """The text counts gradients and elements."""
    report = check(homework.derivation)
    assert str(report) == "AGREEMENT: 7 gradients, 76 elements, all within rounding (float64)"
    assert report.first_wrong is None


def activation_of(p, x):
    """The student's hidden layer, after tanh."""
    return torch.tanh(x @ p["hidden.weight"].T + p["hidden.bias"])


def one_sign_flipped(gradient):
    """All elements as they are, but for number 7."""
    return torch.where(torch.arange(gradient.numel()).reshape(gradient.shape) == 7, -gradient, gradient)


DIAGNOSES = {
    "wrong sign": ("output", lambda g, p, x: {"output": -g["output"]}),
    "factor 1/2": ("output.weight", lambda g, p, x: {"output.weight": g["output.weight"] / 2}),
    "factor 2": ("output.bias", lambda g, p, x: {"output.bias": 2 * g["output.bias"]}),
    "mean for sum": ("hidden.weight", lambda g, p, x: {"hidden.weight": g["hidden.weight"] / len(x)}),
    "sum for mean": ("hidden.bias", lambda g, p, x: {"hidden.bias": g["hidden.bias"] * len(x)}),
    "missing sum over the batch": ("output.bias", lambda g, p, x: {"output.bias": g["output"].clone()}),
    "transposed": ("hidden.weight", lambda g, p, x: {"hidden.weight": g["hidden.weight"].T.clone()}),
    "detached": ("hidden.bias", lambda g, p, x: {"hidden.bias": 0 * g["hidden.bias"]}),
    "derivative missing": ("hidden", lambda g, p, x: homework.below_the_activation(g["activation"], x)),
    "derivative at the output": (
        "hidden",
        lambda g, p, x: homework.below_the_activation(
            g["activation"] * (1 - torch.tanh(activation_of(p, x)) ** 2), x
        ),
    ),
    "factor missing": (
        "hidden.weight",
        lambda g, p, x: {"hidden.weight": g["hidden"].T @ torch.ones_like(x)},
    ),
    "last observation only": ("hidden.bias", lambda g, p, x: {"hidden.bias": g["hidden"][-1].clone()}),
    "first observation only": ("hidden.bias", lambda g, p, x: {"hidden.bias": g["hidden"][0].clone()}),
    "last observation left out": ("hidden.bias", lambda g, p, x: {"hidden.bias": g["hidden"][:-1].sum(0)}),
    "taken as zero": (
        "output.bias",
        lambda g, p, x: {"output.bias": (g["output"] - 2 * p["output.bias"]).sum(0)},
    ),
    "mask": (
        "hidden.weight",
        lambda g, p, x: {"hidden.weight": g["hidden.weight"] * torch.tensor([[1.0], [0], [1], [1]]).double()},
    ),
    "constant factor": ("hidden.weight", lambda g, p, x: {"hidden.weight": g["hidden.weight"] * 0.7}),
    "constant factor per element": (
        "hidden.weight",
        lambda g, p, x: {"hidden.weight": one_sign_flipped(g["hidden.weight"])},
    ),
    "unknown": ("hidden.weight", lambda g, p, x: {"hidden.weight": g["hidden.weight"] + x.sum()}),
}


@pytest.mark.parametrize("kind", DIAGNOSES)
def test_every_diagnosis_is_made_where_the_mistake_is(kind: str) -> None:
    """The first wrong link is the mistake's, and what it feeds is right given what it was handed."""
    name, change = DIAGNOSES[kind]
    report = check(homework.spoiled(change))
    assert report.first_wrong is not None
    assert (report.first_wrong.name, report.first_wrong.diagnosis.kind) == (name, kind)
    assert [finding.name for finding in report.findings if finding.starts_here] == [name]
    assert report.first_wrong.wrong in ("yours", "")


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


def test_a_small_error_in_one_element_is_found_at_its_index() -> None:
    """One part in a million, at [2, 1]."""

    def change(g, p, x):
        wrong = g["hidden.weight"].clone()
        wrong[2, 1] *= 1 + 1e-6
        return {"hidden.weight": wrong}

    finding = check(homework.spoiled(change)).first_wrong
    assert (finding.name, finding.row.index, finding.row.wrong_elements) == ("hidden.weight", (2, 1), 1)
    assert finding.roundings == pytest.approx(1e-6 / 2**-53, rel=1e-3)


def mutate(p, x, t):
    """Normalise the inputs in place."""
    result = homework.derivation(p, x, t)
    x.sub_(1)
    return result


calls: list[int] = []


def accumulate(p, x, t):
    """Add to what the last call returned."""
    calls.append(1)
    right = homework.derivation(p, x, t)
    return right | {"hidden.bias": right["hidden.bias"] * len(calls)}


BREACHES = {
    "an input is changed": (mutate, "inputs", Verdict.MUTATED),
    "a gradient shares memory with an input": (
        lambda p, x, t: homework.derivation(p, x, t) | {"output.bias": p["output.bias"]},
        "output.bias",
        Verdict.ALIASED,
    ),
    "two calls differ": (accumulate, "hidden.bias", Verdict.UNSTABLE),
    "a gradient requires grad": (
        homework.spoiled(lambda g, p, x: {"hidden": g["hidden"].requires_grad_()}),
        "hidden",
        Verdict.REQUIRES_GRAD,
    ),
    "a gradient is missing": (
        homework.spoiled(lambda g, p, x: {"hidden.bias": None}),
        "hidden.bias",
        Verdict.MISSING,
    ),
    "a gradient is extra": (
        homework.spoiled(lambda g, p, x: {"hidden.wieght": x.clone()}),
        "hidden.wieght",
        Verdict.EXTRA,
    ),
    "a shape that broadcasts": (
        homework.spoiled(lambda g, p, x: {"output.bias": g["output.bias"].mean()}),
        "output.bias",
        Verdict.WRONG_SHAPE,
    ),
    "another dtype": (
        homework.spoiled(lambda g, p, x: {"output.bias": g["output.bias"].float()}),
        "output.bias",
        Verdict.WRONG_DTYPE,
    ),
    "another device": (
        homework.spoiled(lambda g, p, x: {"output.bias": g["output.bias"].to("meta")}),
        "output.bias",
        Verdict.WRONG_DEVICE,
    ),
    "a NaN": (
        homework.spoiled(lambda g, p, x: {"output.bias": g["output.bias"] * torch.nan}),
        "output.bias",
        Verdict.NAN,
    ),
    "an infinity": (
        homework.spoiled(lambda g, p, x: {"output.bias": g["output.bias"] / 0}),
        "output.bias",
        Verdict.INFINITE,
    ),
}


@pytest.mark.parametrize(("derivation", "name", "verdict"), BREACHES.values(), ids=BREACHES)
def test_every_breach_of_hygiene_has_its_own_verdict(
    derivation: Callable, name: str, verdict: Verdict
) -> None:
    """Each is a mismatch, whatever the numbers."""
    calls.clear()
    report = check(derivation)
    assert not report.agrees
    assert (name, verdict) in [(finding.name, finding.row.verdict) for finding in report.findings]


def test_the_model_its_buffers_and_the_random_numbers_are_left_as_they_were() -> None:
    """Batch norm in training mode keeps its statistics, dropout draws the same mask for every evaluation."""
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, 1)).double()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    inputs, targets = torch.randn(6, 3).double(), torch.randn(6, 1).double()

    def derivation(p, x, t):
        return {name: torch.zeros_like(value) for name, value in p.items()}

    state = torch.get_rng_state()
    check_derivation(model, homework.loss, inputs, targets, derivation)
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())


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
        return {
            "layer": d_loss_d_output,
            "layer.weight": d_loss_d_output.T @ hidden + (d_loss_d_output @ weight).T @ x,
        }

    report = check_derivation(Twice().double(), lambda output, _: output.sum(), inputs, None, derivation)
    assert [(f.name, f.row.verdict) for f in report.findings] == [
        ("layer.weight", Verdict.AGREES),
        ("layer", Verdict.EXTRA),
    ]
    assert "called 2 times" in str(report)


def test_what_is_remembered_from_the_first_parameters_is_found_at_others() -> None:
    """A derivation that closes over the model's parameters is right at these, and at no others."""
    model, loss, inputs, targets = homework.network()
    old = {"output.bias": model.output.bias.detach().clone()}
    report = check_derivation(
        model, loss, inputs, targets, lambda p, x, t: homework.derivation(p | old, x, t)
    )
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


def test_who_is_wrong_is_decided_by_the_forward_pass() -> None:
    """A custom Function with a wrong backward makes autograd wrong, and the derivation by hand right."""

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, d_loss_d_output):
            return 3 * ctx.saved_tensors[0] * d_loss_d_output

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.tensor([1.5, -0.5]).double())

        def forward(self, x):
            return Square.apply(self.weight) * x

    inputs = torch.tensor([2.0, 3.0]).double()
    report = check_derivation(
        Model(), lambda output, _: output.sum(), inputs, None, lambda p, x, t: {"weight": 2 * p["weight"] * x}
    )
    assert report.first_wrong.wrong == "PyTorch's"


@pytest.mark.parametrize("kind", ["derivative missing", "missing sum over the batch", "unknown"])
def test_the_report_fits_80_columns_and_a_json_file(kind: str) -> None:
    """Text for people, to_dict for machines."""
    report = check(homework.spoiled(DIAGNOSES[kind][1]))
    assert max(map(len, str(report).splitlines())) <= 80
    document = json.loads(json.dumps(report.to_dict()))
    assert document["agree"] is False
    assert document["first_wrong"] == DIAGNOSES[kind][0]
    [first] = [finding for finding in document["findings"] if finding["name"] == DIAGNOSES[kind][0]]
    assert first["diagnosis"]["kind"] == kind


def test_the_assertion_has_the_report_as_its_message() -> None:
    """In anybody's tests."""
    assert_gradients_match(*homework.network(), homework.derivation)
    with pytest.raises(AssertionError, match="first wrong link, from the loss backwards: hidden"):
        assert_gradients_match(*homework.network(), homework.wrong_derivation)


BAD = {
    "no parameters": (nn.Tanh(), "the model has no parameters"),
    "two dtypes": (
        nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2).double()),
        "one dtype, found torch.float32, torch.float64",
    ),
}


@pytest.mark.parametrize(("model", "message"), BAD.values(), ids=BAD)
def test_a_model_that_cannot_be_checked_is_one_clear_line(model: nn.Module, message: str) -> None:
    """Said before anything is run."""
    with pytest.raises(ValueError, match=message):
        check_derivation(model, homework.loss, torch.ones(1, 3), torch.ones(1, 2), homework.derivation)


def test_a_loss_that_is_no_number_and_a_result_that_is_no_mapping_are_errors() -> None:
    """Each says what was found."""
    model, _, inputs, targets = homework.network()
    with pytest.raises(ValueError, match=r"the loss must be one number, found shape \(5, 2\)"):
        check_derivation(model, lambda output, t: output - t, inputs, targets, homework.derivation)
    with pytest.raises(TypeError, match="must return a mapping name -> tensor, found list"):
        check(homework.returns_a_list)
    with pytest.raises(TypeError, match="found 'hidden': float"):
        check(homework.spoiled(lambda g, p, x: {"hidden": 1.0}))


ACTIVATIONS = {
    "tanh": (nn.Tanh, lambda x: 1 - torch.tanh(x) ** 2),
    "relu": (nn.ReLU, lambda x: (x > 0).to(x)),
    "sigmoid": (nn.Sigmoid, lambda x: torch.sigmoid(x) * torch.sigmoid(-x)),
}


@st.composite
def networks(
    draw: st.DrawFn, scales: tuple[float, ...] = (1e-3, 1.0, 30.0)
) -> tuple[nn.Module, Tensor, Tensor, Callable]:
    """A network of two layers of any small size, with its right derivation."""
    inputs, hidden, outputs, batch = (
        draw(st.integers(1, 4), label=name) for name in ("in", "hidden", "out", "n")
    )
    name = draw(st.sampled_from(sorted(ACTIVATIONS)), label="activation")
    dtype = draw(st.sampled_from([torch.float32, torch.float64]), label="dtype")
    scale = draw(st.sampled_from(scales), label="scale")
    torch.manual_seed(draw(st.integers(0, 10**6), label="seed"))
    module, slope = ACTIVATIONS[name]
    model = nn.Sequential(nn.Linear(inputs, hidden), module(), nn.Linear(hidden, outputs)).to(dtype)

    def derivation(p, x, t):
        before = x @ p["0.weight"].T + p["0.bias"]
        activation = module()(before)
        d_loss_d_output = 2 * (activation @ p["2.weight"].T + p["2.bias"] - t)
        d_loss_d_hidden = (d_loss_d_output @ p["2.weight"]) * slope(before)
        return {
            "2.weight": d_loss_d_output.T @ activation,
            "2.bias": d_loss_d_output.sum(0),
            "0.weight": d_loss_d_hidden.T @ x,
            "0.bias": d_loss_d_hidden.sum(0),
        }

    data = (torch.randn(batch, size, dtype=dtype) * scale for size in (inputs, outputs))
    return model, *data, derivation


@given(network=networks())
def test_a_right_derivation_of_a_random_network_never_fails(network: tuple) -> None:
    """Any sizes, kinks and saturation included, in both precisions."""
    model, inputs, targets, derivation = network
    report = check_derivation(model, homework.loss, inputs, targets, derivation)
    assert report.agrees, str(report)


# Not at a scale of 30: a node saturated to 1 − 1e-16 has a derivative that is rounding noise in autograd too.
@given(network=networks(scales=(1e-3, 1.0)), data=st.data())
def test_a_random_single_element_edit_always_fails(network: tuple, data: st.DataObject) -> None:
    """Its sign, or one part in a thousand: the row shows this element and no other."""
    model, inputs, targets, derivation = network
    name = data.draw(st.sampled_from(["0.weight", "0.bias", "2.weight", "2.bias"]), label="parameter")
    factor = data.draw(st.sampled_from([-1.0, 0.0, 2.0, 1.001]), label="factor")
    parameters = {key: value.detach() for key, value in model.named_parameters()}
    # Zero times anything is zero: then the edit would be none.
    right = derivation(parameters, inputs, targets)[name]
    place = right.abs().argmax()
    if right.flatten()[place] == 0:
        return

    def wrong(p, x, t):
        gradients = derivation(p, x, t)
        gradients[name].view(-1)[place] *= factor
        return gradients

    report = check_derivation(model, homework.loss, inputs, targets, wrong, draws=0)
    assert [finding.name for finding in report.findings if not finding.agrees] == [name]
    assert report.first_wrong.row.wrong_elements == 1
