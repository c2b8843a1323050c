"""No input is changed, and no output shares memory with an input or with another output."""

import torch
from hypothesis import given
from torch import Tensor

import manual_backprop
from manual_backprop import PARAMETERS
from storages import storages
from strategies import Case, cases


@given(case=cases())
def test_no_input_is_changed(case: Case) -> None:
    """After gradients and links, parameters and data hold the bits that they held before."""
    given_tensors = [*case.parameters.values(), case.inputs, case.observed]
    before = [tensor.clone() for tensor in given_tensors]
    manual_backprop.gradients(*case, wrt=PARAMETERS)
    manual_backprop.links(*case, wrt=PARAMETERS)
    assert all(torch.equal(old, new) for old, new in zip(before, given_tensors, strict=True))


@given(case=cases())
def test_no_output_shares_memory_with_an_input_or_another_output(case: Case) -> None:
    """Changing one result in place changes nothing else."""
    outputs = [
        *manual_backprop.gradients(*case, wrt=PARAMETERS).values(),
        *manual_backprop.links(*case, wrt=PARAMETERS).values(),
    ]
    inputs = storages([*case.parameters.values(), case.inputs, case.observed])
    assert not set(storages(outputs)) & set(inputs)
    assert len(set(storages(outputs))) == len(storages(outputs))


@given(case=cases())
def test_two_calls_give_the_same_bits_in_new_tensors(case: Case) -> None:
    """Nothing is accumulated from call to call."""
    first = manual_backprop.gradients(*case, wrt=PARAMETERS)
    second = manual_backprop.gradients(*case, wrt=PARAMETERS)
    assert all(torch.equal(first[name], second[name]) for name in PARAMETERS)
    assert not set(storages(list(first.values()))) & set(storages(list(second.values())))


def test_shared_links_are_computed_once_per_trace(monkeypatch) -> None:
    """The shared term of the lesson is evaluated once, whatever the number of parameters that read it."""
    from manual_backprop import lesson
    from manual_backprop.lesson import elementary

    calls = []
    original = elementary.d_ssr_d_residual
    monkeypatch.setattr(elementary, "d_ssr_d_residual", lambda r: calls.append(1) or original(r))
    manual_backprop.gradients(lesson.start(), *lesson.data(), wrt=PARAMETERS)
    assert len(calls) == 1


def test_the_hidden_layer_is_left_alone_when_it_is_not_asked_for(monkeypatch) -> None:
    """The lesson's three parameters never evaluate a sigmoid."""
    from manual_backprop import lesson
    from manual_backprop.lesson import elementary

    def unexpected(_x: Tensor) -> Tensor:
        raise AssertionError("the sigmoid was evaluated")

    monkeypatch.setattr(elementary, "d_softplus_d_x", unexpected)
    assert list(manual_backprop.gradients(lesson.start(), *lesson.data())) == ["w3", "w4", "b3"]
