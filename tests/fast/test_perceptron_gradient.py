"""The fast way to a perceptron's gradient gives autograd's, and writes to nothing but what it is given to."""

import re
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from manual_backprop.fast import small_perceptron
from manual_backprop.fast.perceptron_gradient import Gradients
from manual_backprop.losses.table import LOSSES
from manual_backprop.networks import perceptron
from perceptrons_compared import compared, network_of, small_case
from strategies_layers import PerceptronCase, perceptron_cases


@pytest.mark.medium
@given(case=perceptron_cases(), reuse=st.booleans(), compiled=st.booleans())
def test_the_fast_gradient_is_autograds(case: PerceptronCase, reuse: bool, compiled: bool) -> None:
    """Any widths, activations, loss and dtype; into new tensors, or over those of an earlier call."""
    with pytest.MonkeyPatch.context() as patch:
        if not compiled:
            patch.setattr(small_perceptron, "library", lambda _: None)
        check_against_autograd(case, reuse)


def check_against_autograd(case: PerceptronCase, reuse: bool) -> None:
    """Agreement, and nothing written to but what was given for it."""
    gradients = Gradients(network_of(case), case.loss)
    arguments = (case.parameters, case.inputs, case.targets)
    before = [value.clone() for value in (*case.parameters.values(), case.inputs, case.targets)]
    found = gradients(*arguments)
    if reuse:
        out = {name: torch.full_like(value, 9) for name, value in found.items()}
        found = gradients(*arguments, out=out)
        assert all(found[name] is out[name] for name in out)
    assert list(found) == list(case.parameters)
    assert compared(case, found) == []
    after = (*case.parameters.values(), case.inputs, case.targets)
    assert all(torch.equal(old, new) for old, new in zip(before, after, strict=True))


def test_what_autograd_watches_goes_to_the_plain_derivation() -> None:
    """Its result can be differentiated again, and out is filled all the same."""
    case = small_case()
    gradients = Gradients(network_of(case), case.loss)
    plain = partial(perceptron.gradients, network_of(case), loss=case.loss)
    for name in (*case.parameters, "inputs"):
        given = {**case.parameters, "inputs": case.inputs}
        watched = given[name] = given[name].clone().requires_grad_()
        arguments = ({key: given[key] for key in case.parameters}, given["inputs"], case.targets)
        found, expected = (
            torch.autograd.grad(way(*arguments)["0.weight"].square().sum(), watched)[0]
            for way in (gradients, plain)
        )
        assert torch.equal(found, expected)
    out = {name: torch.zeros_like(value) for name, value in case.parameters.items()}
    rows = (case.inputs[0], case.targets[0])
    filled = gradients(case.parameters, *rows, out=out)
    expected = perceptron.gradients(network_of(case), case.parameters, *rows, case.loss)
    assert all(filled[name] is out[name] and torch.equal(out[name], expected[name]) for name in out)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": torch.zeros(3, 4)}, "dtype"),
        ({"inputs": torch.zeros(3, 5, dtype=torch.float64)}, "inputs must have shape (..., 4)"),
        ({"inputs": torch.zeros(3, 4, dtype=torch.int64)}, "float32 or torch.float64"),
        ({"targets": torch.tensor([0, 1, 3])}, "classes must be from 0 to 2, found 3"),
        ({"targets": torch.tensor([0, -100, 1])}, "classes must be from 0 to 2, found -100"),
        ({"targets": torch.zeros(3)}, "targets must be classes of torch.int64"),
        ({"0.bias": torch.zeros(4, dtype=torch.float64)}, "0.bias must have shape (5,), found (4,)"),
        ({"0.bias": None}, "missing parameter 0.bias"),
        ({"9.bias": torch.zeros(4)}, "unknown parameter '9.bias'"),
    ],
)
def test_bad_input_is_refused_with_the_plain_derivations_line(change: dict, message: str) -> None:
    """Whatever the short way does not know, the plain one judges."""
    case = small_case()
    data = {"inputs": case.inputs, "targets": case.targets}
    data |= {name: value for name, value in change.items() if name in data}
    parameters = case.parameters | {name: value for name, value in change.items() if name not in data}
    given_parameters = {name: value for name, value in parameters.items() if value is not None}
    network = network_of(case)
    with pytest.raises((ValueError, TypeError), match=re.escape(message)) as plain:
        perceptron.gradients(network, given_parameters, *data.values(), case.loss)
    with pytest.raises(plain.type, match=f"^{re.escape(str(plain.value))}$"):
        Gradients(network, case.loss)(given_parameters, *data.values())


@pytest.mark.parametrize("loss", ["ssr", "mean_squared_error"])
def test_targets_that_do_not_fit_never_broadcast(loss: str) -> None:
    """(3, 1) targets for (3, 3) outputs, and targets of another dtype."""
    case = small_case(loss)
    gradients = Gradients(network_of(case), loss)
    with pytest.raises(ValueError, match=re.escape("targets must have shape (3, 3), found (3, 1)")):
        gradients(case.parameters, case.inputs, case.targets[:, :1])
    line = "targets must have the dtype of predicted, torch.float64, found torch.float32"
    with pytest.raises(TypeError, match=f"^{line}$"):
        gradients(case.parameters, case.inputs, case.targets.float())


def test_an_unknown_loss_is_refused() -> None:
    """With the known ones."""
    with pytest.raises(ValueError, match=f"^unknown loss 'sum': the known ones are {', '.join(LOSSES)}$"):
        Gradients(network_of(small_case()), "sum")


def test_an_out_that_does_not_fit_is_refused() -> None:
    """Another shape, a missing name, and the parameters themselves, which the gradient would overwrite."""
    case = small_case()
    gradients = Gradients(network_of(case), case.loss)
    arguments = (case.parameters, case.inputs, case.targets)
    good = gradients(*arguments)
    with pytest.raises(ValueError, match=re.escape("out's 0.bias must have shape (5,), found (1,)")):
        gradients(*arguments, out={**good, "0.bias": good["0.bias"][:1]})
    names = ", ".join(case.parameters)
    with pytest.raises(ValueError, match=f"^out has no 2.bias: all of {names} are needed$"):
        gradients(*arguments, out={name: value for name, value in good.items() if name != "2.bias"})
    with pytest.raises(ValueError, match=re.escape("out's 0.weight is the parameter itself")):
        gradients(*arguments, out={**good, "0.weight": case.parameters["0.weight"]})
    with pytest.raises(TypeError, match=re.escape("out's 0.weight must have the dtype of 0.weight")):
        gradients(*arguments, out={**good, "0.weight": good["0.weight"].float()})
