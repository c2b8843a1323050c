"""Every loss of the table has torch's value and autograd's gradient, within rounding."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import torch_reference.losses.table
from layers_compared import loss_disagreements
from manual_backprop.losses.table import LOSSES
from strategies_layers import loss_cases, make_loss_case


def test_both_witnesses_have_the_same_losses() -> None:
    """A loss that only one side has would be compared with nothing."""
    assert LOSSES.keys() == torch_reference.losses.table.LOSSES.keys()


@pytest.mark.parametrize("name", LOSSES)
@given(data=st.data())
def test_value_and_gradient_are_those_of_torch(name: str, data: st.DataObject) -> None:
    """For any shape, dtype, memory layout and kind of logits; the mean of no rows is NaN, as torch has it."""
    assert loss_disagreements(LOSSES[name], data.draw(loss_cases(name))) == []


@pytest.mark.parametrize("logit", [-1e4, 1e4])
@pytest.mark.parametrize("name", [name for name in LOSSES if "entropy" in name])
def test_saturated_logits_give_finite_losses(name: str, logit: float) -> None:
    """A row of logits that a naive exp would overflow, right and wrong by 1e4."""
    for wrong in (False, True):
        if name.startswith("binary"):
            predicted = torch.full((1,), logit, dtype=torch.float32)
            targets = ((predicted > 0) ^ wrong).to(torch.float32)
        else:
            predicted = torch.tensor([[logit, 0.0]])
            targets = torch.tensor([int((logit < 0) ^ wrong)])
        value, saved = LOSSES[name].forward(predicted, targets)
        assert value.item() == (1e4 if wrong else 0.0)
        assert LOSSES[name].d_loss_d_predicted(saved).abs().max().item() == (1.0 if wrong else 0.0)


@pytest.mark.parametrize("name", LOSSES)
def test_nothing_is_changed_and_no_memory_is_shared(name: str) -> None:
    """Writing into the derivative reaches neither the predictions nor the targets nor what was saved."""
    case = make_loss_case(name, (4, 5), "normal", torch.float64, seed=1)
    before = case.predicted.clone(), case.targets.clone()
    value, saved = LOSSES[name].forward(case.predicted, case.targets)
    results = [value, LOSSES[name].d_loss_d_predicted(saved)]
    assert torch.equal(before[0], case.predicted)
    assert torch.equal(before[1], case.targets)
    others = {tensor.untyped_storage().data_ptr() for tensor in (case.predicted, case.targets, *saved)}
    assert not others & {tensor.untyped_storage().data_ptr() for tensor in results}


@pytest.mark.parametrize("name", LOSSES)
def test_targets_of_another_shape_are_refused(name: str) -> None:
    """(n, 1) minus (n) would broadcast to n · n residuals."""
    case = make_loss_case(name, (4, 1), "normal", torch.float64, seed=1)
    targets = case.targets.reshape(1, -1) if case.targets.ndim == 1 else case.targets.reshape(-1)
    with pytest.raises(ValueError, match=r"targets must have shape \(4,.*\), found"):
        LOSSES[name].forward(case.predicted, targets)


@pytest.mark.parametrize("wrong", [-100, -1, 3])
def test_a_class_that_does_not_exist_is_refused(wrong: int) -> None:
    """Torch takes −100 for a row to leave out; here it is an error like every other."""
    with pytest.raises(ValueError, match=f"classes must be from 0 to 2, found {wrong}"):
        LOSSES["cross_entropy_mean"].forward(torch.zeros(2, 3), torch.tensor([0, wrong]))


def test_targets_of_another_dtype_are_refused() -> None:
    """Classes are int64, and a residual has one dtype."""
    with pytest.raises(TypeError, match=r"classes of torch\.int64, found torch\.float32"):
        LOSSES["cross_entropy_mean"].forward(torch.zeros(2, 3), torch.zeros(2))
    with pytest.raises(TypeError, match=r"targets must have the dtype of predicted, torch\.float32"):
        LOSSES["ssr"].forward(torch.zeros(2), torch.zeros(2, dtype=torch.float64))
