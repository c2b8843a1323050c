"""Any multilayer perceptron: the gradient of nn.Sequential by autograd, by the names of its state_dict."""

from collections.abc import Mapping

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import manual_backprop
import torch_reference.losses.table
import torch_reference.networks.perceptron
from lessons_seven import seven_only
from manual_backprop import lesson
from manual_backprop.layers.table import ACTIVATIONS
from manual_backprop.networks import perceptron
from manual_backprop.networks.perceptron import Perceptron
from perceptrons_compared import compared, network_of
from strategies_layers import PerceptronCase, dtypes, make_perceptron_case, perceptron_cases
from torch_reference.tolerance.agreement import disagreements


def all_gradients(case: PerceptronCase) -> dict[str, Tensor]:
    """The hand-derived gradient with respect to all parameters and intermediates."""
    network = network_of(case)
    wrt = (*network.parameters, *network.intermediates)
    return perceptron.gradients(network, case.parameters, case.inputs, case.targets, case.loss, wrt)


@pytest.mark.medium
@given(case=perceptron_cases())
def test_every_parameter_and_every_link_is_autograds(case: PerceptronCase) -> None:
    """For any widths, activations, loss and dtype."""
    assert compared(case, all_gradients(case)) == []


@pytest.mark.slow
@given(case=perceptron_cases())
def test_every_intermediate_and_the_loss_are_torchs(case: PerceptronCase) -> None:
    """The forward pass, module by module, and the loss at its end."""
    network, model = (
        network_of(case),
        torch_reference.networks.perceptron.sequential(case.widths, case.activations),
    )
    loss, _ = perceptron.loss_and_gradients(network, case.parameters, case.inputs, case.targets, case.loss)
    trace = perceptron.forward(network, case.parameters, case.inputs)

    def reference(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        values = torch_reference.networks.perceptron.forward(model, tensors, tensors["input"])
        found = torch_reference.losses.table.LOSSES[case.loss](list(values.values())[-1], tensors["targets"])
        return {**values, "loss": found}

    tensors = {**case.parameters, "input": case.inputs, "targets": case.targets}
    actual = {**trace.intermediates, "loss": loss}
    assert disagreements(actual, reference, tensors) == []


def test_a_digits_sized_network_agrees() -> None:
    """64-64-10 with ReLU and 32 rows: 4810 parameters."""
    case = make_perceptron_case((64, 64, 10), ("relu", None), "cross_entropy_mean", 32, torch.float32, seed=5)
    assert compared(case, all_gradients(case)) == []


def test_a_mistake_in_one_link_is_refused() -> None:
    """An activation's derivative forgotten in the middle shows before that link, and not behind it."""
    case = make_perceptron_case((4, 5, 3), ("tanh", None), "ssr", 6, torch.float64, seed=6)
    wrong = network_of(case)
    linear_without = ACTIVATIONS["tanh"]._replace(derivatives={"input": lambda saved, d: d.clone()})
    wrong = Perceptron(
        tuple(
            module._replace(layer=linear_without) if module.name == "1" else module
            for module in wrong.modules
        )
    )
    wrt = (*wrong.parameters, *wrong.intermediates)
    actual = perceptron.gradients(wrong, case.parameters, case.inputs, case.targets, case.loss, wrt)
    named = {row.name for row in compared(case, actual)}
    assert named == {"0.weight", "0.bias", "0.output", "input"}


def test_the_names_are_those_of_the_state_dict() -> None:
    """A state_dict goes in and the gradient comes out by the same names, in the same shapes."""
    torch.manual_seed(0)
    model = torch_reference.networks.perceptron.sequential((3, 4, 4, 2), ("relu", None, "softmax")).double()
    network = perceptron.perceptron((3, 4, 4, 2), ("relu", None, "softmax"))
    state = model.state_dict()
    assert network.shapes == {name: tuple(tensor.shape) for name, tensor in state.items()}
    inputs, targets = torch.randn(5, 3, dtype=torch.float64), torch.randn(5, 2, dtype=torch.float64)
    assert list(perceptron.gradients(network, state, inputs, targets)) == list(state)


@pytest.mark.slow
@seven_only
@given(scalars=st.none() | st.lists(st.floats(-4, 4, width=32), min_size=7, max_size=7), dtype=dtypes)
def test_the_lessons_network_is_a_perceptron(scalars: list[float] | None, dtype: torch.dtype) -> None:
    """Three witnesses of all seven derivatives: the lesson's own chain, the perceptron, and autograd."""
    parameters = lesson.start(dtype)
    if scalars is not None:
        parameters = dict(zip(manual_backprop.PARAMETERS, torch.tensor(scalars, dtype=dtype), strict=True))
    inputs, observed = lesson.data(dtype)
    by_lesson = manual_backprop.gradients(parameters, inputs, observed, manual_backprop.PARAMETERS)
    case = PerceptronCase(
        (1, 2, 1), ("softplus", None), "ssr", as_state(parameters), inputs[:, None], observed[:, None]
    )
    by_layers = perceptron.gradients(network_of(case), case.parameters, case.inputs, case.targets)
    assert compared(case, as_state(by_lesson)) == []
    assert compared(case, by_layers) == []


def as_state(parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The seven scalars of the lesson, or their derivatives, as the perceptron's parameters."""
    of = parameters.__getitem__
    return {
        "0.weight": torch.stack([of("w1"), of("w2")])[:, None],
        "0.bias": torch.stack([of("b1"), of("b2")]),
        "2.weight": torch.stack([of("w3"), of("w4")])[None],
        "2.bias": of("b3")[None],
    }


@given(case=perceptron_cases())
def test_a_name_alone_has_the_same_gradient_as_among_all(case: PerceptronCase) -> None:
    """Skipping what is not asked for changes nothing that is."""
    together = all_gradients(case)
    network = network_of(case)
    for name in together:
        alone = perceptron.gradients(
            network, case.parameters, case.inputs, case.targets, case.loss, wrt=(name,)
        )
        assert list(alone) == [name]
        assert torch.equal(alone[name], together[name])


def counting(network: Perceptron, calls: list[str]) -> Perceptron:
    """The same network, writing down every forward pass and every derivative that is computed."""

    def count(name: str, function: object) -> object:
        def counted(*arguments: object) -> object:
            calls.append(name)
            return function(*arguments)  # type: ignore[operator]

        return counted

    return Perceptron(
        tuple(
            module._replace(
                layer=module.layer._replace(
                    forward=count(f"{module.name} forward", module.layer.forward),
                    derivatives={
                        name: count(f"{module.name} {name}", derivative)
                        for name, derivative in module.layer.derivatives.items()
                    },
                )
            )
            for module in network.modules
        )
    )


WORK = {
    (): [],
    ("2.bias",): ["2 bias"],
    ("2.output",): [],
    ("1.output",): ["2 input"],
    ("0.weight",): ["2 input", "1 input", "0 weight"],
    ("input",): ["2 input", "1 input", "0 input"],
    None: ["2 weight", "2 bias", "2 input", "1 input", "0 weight", "0 bias"],
}


@pytest.mark.parametrize("wrt", WORK)
def test_only_what_is_asked_for_is_computed(wrt: tuple[str, ...] | None) -> None:
    """One forward pass, one backward pass, which ends at the earliest module that is needed."""
    case = make_perceptron_case((3, 4, 2), ("relu", None), "ssr", 5, torch.float64, seed=7)
    calls: list[str] = []
    network = counting(network_of(case), calls)
    perceptron.gradients(network, case.parameters, case.inputs, case.targets, case.loss, wrt)
    assert calls == ["0 forward", "1 forward", "2 forward", *WORK[wrt]]


def test_nothing_is_changed_and_no_memory_is_shared() -> None:
    """Parameters and data stay as they are, and no two results share memory with them or each other."""
    case = make_perceptron_case((3, 4, 2), ("relu", "softmax"), "ssr", 5, torch.float64, seed=8)
    given_tensors = [*case.parameters.values(), case.inputs, case.targets]
    before = [tensor.clone() for tensor in given_tensors]
    found = all_gradients(case)
    assert all(torch.equal(old, new) for old, new in zip(before, given_tensors, strict=True))
    storages = [tensor.untyped_storage().data_ptr() for tensor in [*found.values(), *given_tensors]]
    assert len(set(storages)) == len(storages)
