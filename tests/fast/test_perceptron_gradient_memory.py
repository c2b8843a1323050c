"""The fast way to a perceptron's gradient is taken, and makes no tensor that it does not need."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from manual_backprop.fast import perceptron_gradient as fast_perceptron
from manual_backprop.fast import small_perceptron
from manual_backprop.fast.perceptron_gradient import Gradients
from manual_backprop.layers.table import LAYERS
from manual_backprop.networks import perceptron
from manual_backprop.networks.architecture import Module, Perceptron
from perceptrons_compared import network_of, small_case
from strategies_layers import PerceptronCase, make_perceptron_case
from torch_reference.tolerance.movement import expected_and_bounds


class NewMemory(TorchDispatchMode):
    """The shapes of the tensors that an operation puts into memory of their own, single numbers left out."""

    def __init__(self) -> None:
        """None so far."""
        super().__init__()
        self.shapes: list[tuple[int, ...]] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Import no compiler, which takes three seconds, to keep it from this mode."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run one operation."""
        given = {at.untyped_storage().data_ptr() for at in tree_leaves((args, kwargs)) if torch.is_tensor(at)}
        results = func(*args, **(kwargs or {}))
        for made in tree_leaves(results):
            if torch.is_tensor(made) and made.ndim and made.untyped_storage().data_ptr() not in given:
                self.shapes.append(tuple(made.shape))
        return results


@pytest.fixture
def torchs_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the kernel nor the plain derivation is at hand."""
    monkeypatch.setattr(small_perceptron, "library", lambda _: None)
    monkeypatch.setattr(fast_perceptron.plain, "gradients", lambda *_: pytest.fail("the plain derivation"))
    # NewMemory watches, which is what usually sends a gradient to the plain derivation.
    monkeypatch.setattr(fast_perceptron, "is_watched", lambda: False)


def made_by(case: PerceptronCase, *, reuse: bool) -> list[tuple[int, ...]]:
    """The shapes of what one gradient allocates."""
    gradients = Gradients(network_of(case), case.loss)
    arguments = (case.parameters, case.inputs, case.targets)
    out = gradients(*arguments) if reuse else None
    with NewMemory() as memory:
        gradients(*arguments, out=out)
    return memory.shapes


@pytest.mark.usefixtures("torchs_way")
@pytest.mark.parametrize("loss", ["ssr", "mean_squared_error", "cross_entropy_sum", "cross_entropy_mean"])
def test_new_memory_is_for_the_linear_layers_outputs_and_what_comes_back_to_them(loss: str) -> None:
    """The loss and ReLU overwrite, and the gradient goes where an earlier one stands, if there is one."""
    case = make_perceptron_case((4, 5, 6, 3), ("relu", "relu", None), loss, 7, torch.float64, 1)
    outputs, upstreams = [(7, 5), (7, 6), (7, 3)], [(7, 6), (7, 5)]
    assert made_by(case, reuse=True) == outputs + upstreams
    own = [(3,), (3, 6), (7, 6), (6,), (6, 5), (7, 5), (5,), (5, 4)]
    assert made_by(case, reuse=False) == outputs + own


@pytest.mark.usefixtures("torchs_way")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("activation", ["relu", "tanh", "softmax"])
def test_torchs_way_is_taken_for_any_activation(activation: str, dtype: torch.dtype) -> None:
    """Of a plain batch of rows nothing is left to the plain derivation."""
    case = make_perceptron_case((4, 5, 3), (activation, activation), "ssr", 3, dtype, 1)
    assert list(Gradients(network_of(case))(*case[3:])) == list(case.parameters)


def test_tensors_without_memory_are_told_from_the_parameters() -> None:
    """On the meta device, where a shape costs nothing to try, every address is 0."""
    case = small_case("ssr")
    parameters = {name: value.to("meta") for name, value in case.parameters.items()}
    out = {name: torch.empty_like(value) for name, value in parameters.items()}
    found = Gradients(network_of(case))(parameters, case.inputs.to("meta"), case.targets.to("meta"), out)
    assert all(found[name] is out[name] for name in out)


def test_a_relu_overwrites_no_output_that_another_layer_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """After tanh, which keeps its output for its derivative; with one SSR the default of both derivations."""
    monkeypatch.setattr(small_perceptron, "library", lambda _: None)
    case = small_case("ssr")
    first, relu, last = network_of(case).modules
    stack = (first, Module("t", LAYERS["tanh"], {}), relu, last)
    network = Perceptron(stack)
    arguments = (case.parameters, case.inputs, case.targets)
    expected, bounds = expected_and_bounds(
        lambda parameters: perceptron.gradients(network, parameters, *arguments[1:]), case.parameters
    )
    for name, value in Gradients(network)(*arguments).items():
        assert ((value - expected[name]).abs() <= bounds[name]).all(), name
