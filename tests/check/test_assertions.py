"""The assertions for anybody's tests, and their property-based versions."""

import inspect
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import homework as homework
from torch_reference import (
    assert_always_matches,
    assert_function_matches,
    assert_gradients_always_match,
    assert_gradients_match,
    check_derivation,
    check_function,
)
from torch_reference.check.asserting.properties import tensors

x, w = torch.linspace(-2, 2, 12).double().reshape(3, 4), torch.linspace(1, 2, 12).double().reshape(3, 4)

RIGHT = (lambda x, w: (x * w, (x, w))), lambda saved, g: (g * saved[1], g * saved[0])
WRONG = RIGHT[0], lambda saved, g: (-g * saved[1], g * saved[0])


def product(x: Tensor, w: Tensor) -> Tensor:
    """The same in plain torch."""
    return x * w


@pytest.mark.medium
def test_an_assertion_has_the_report_as_its_message() -> None:
    """In anybody's tests: for a network and for a function."""
    assert_gradients_match(*homework.network(), homework.derivation)
    with pytest.raises(AssertionError, match="first wrong link, from the loss backwards: hidden"):
        assert_gradients_match(*homework.network(), homework.wrong_derivation)
    assert_function_matches(RIGHT, product, x, w)
    with pytest.raises(AssertionError, match="inputs\\[0\\]: differs"):
        assert_function_matches(WRONG, product, x, w)


@pytest.mark.slow
def test_a_functions_property_based_assertion_shrinks_to_the_smallest_counterexample() -> None:
    """A backward that is wrong for x > 2 only: one x above it is left, and it is no 0 and no 1."""

    def clipped(saved: tuple[Tensor, Tensor], g: Tensor) -> tuple[Tensor, Tensor]:
        return g * torch.where(saved[0] > 2, 2 * saved[1], saved[1]), g * saved[0]

    with pytest.raises(AssertionError, match="inputs\\[0\\]: differs") as error:
        assert_always_matches((RIGHT[0], clipped), product, ("n",), ("n",))
    example = str(error.value).split("smallest failing example:\n")[1]
    assert str(error.value).startswith("MISMATCH: 1 of 2 gradients differ")
    found: dict[str, Tensor] = {}
    exec(example, {"torch": torch}, found)  # as it stands
    inputs = found["inputs"]
    assert len(inputs[0]) == 1
    assert 2 < inputs[0].item() <= 3
    assert inputs[1].item() == 1.5
    assert not check_function((RIGHT[0], clipped), product, *inputs, redraw=False)
    assert_always_matches(RIGHT, product, ("n", 2), ("n", 2), max_examples=10, dtype=torch.float32)


@pytest.mark.slow
def test_a_networks_property_based_assertion_draws_its_parameters_too() -> None:
    """The sign of the prediction is wrong; one observation is left, and the model is as it was."""
    model = nn.Linear(1, 1, bias=False).double()
    before = model.weight.clone()

    def derivation(sign: float) -> Callable:
        return lambda p, x, t: {"weight": 2 * (sign * x @ p["weight"].T - t).T @ x}

    shapes = ("n", 1), ("n", 1)
    assert_gradients_always_match(model, homework.loss, *shapes, derivation(1.0), max_examples=10)
    with pytest.raises(AssertionError, match="weight: differs") as error:
        assert_gradients_always_match(model, homework.loss, *shapes, derivation(-1.0))
    assert "parameters = {'weight': torch.tensor([[1.5]], dtype=torch.float64)}" in str(error.value)
    found: dict[str, Any] = {}
    exec(str(error.value).split("smallest failing example:\n")[1], {"torch": torch}, found)
    model.load_state_dict(found["parameters"])
    assert not check_derivation(model, homework.loss, found["inputs"], found["targets"], derivation(-1.0))
    model.load_state_dict({"weight": before})
    assert torch.equal(model.weight, before)


@pytest.mark.medium
def test_the_property_based_assertion_takes_strategies() -> None:
    """Positive numbers for a square root, from a strategy of one's own."""
    positive = tensors((3,)).map(lambda values: values.abs() + 0.1)
    root = (lambda x: (x.sqrt(), x.sqrt())), lambda saved, g: g / (2 * saved)
    assert_always_matches(root, torch.sqrt, positive, max_examples=10)


def test_without_hypothesis_a_line_says_which_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """hypothesis is optional for the packages."""
    monkeypatch.setitem(sys.modules, "hypothesis.strategies", None)
    with pytest.raises(ValueError, match="this needs hypothesis: pip install hypothesis"):
        tensors((3,))


@pytest.mark.slow
@pytest.mark.parametrize(
    "failing",
    [
        lambda: assert_function_matches(WRONG, product, x, w),
        lambda: assert_gradients_match(*homework.network(), homework.wrong_derivation),
        lambda: assert_always_matches(WRONG, product, ("n", 2), ("n", 2), max_examples=2),
        lambda: assert_gradients_always_match(
            nn.Linear(2, 1, bias=False), nn.MSELoss(), ("n", 2), ("n", 1), lambda *_: {}, max_examples=2
        ),
    ],
)
def test_pytest_shows_the_report_alone(failing: Callable[[], None]) -> None:
    """No line of ours: every frame of the assertion hides itself, and the heading is the first line."""
    with pytest.raises(AssertionError, match=r"^MISMATCH: ") as raised:
        failing()
    ours = [
        frame for frame in traceback.walk_tb(raised.tb) if "torch_reference" in frame[0].f_code.co_filename
    ]
    assert ours
    assert all(frame.f_locals.get("__tracebackhide__") for frame, _ in ours)


def test_the_page_names_every_option_of_gradcheck() -> None:
    """And of gradgradcheck, as this torch has them."""
    page = (Path(__file__).parents[2] / "docs" / "check_your_own.md").read_text(encoding="utf-8")
    table = page[page.index("## In place of gradcheck") :]
    for function in (torch.autograd.gradcheck, torch.autograd.gradgradcheck):
        options = set(inspect.signature(function).parameters) - {"func", "inputs"}
        assert {option for option in options if option not in table} == set()


def test_without_an_input_nothing_is_drawn() -> None:
    """One line that says what was expected."""
    with pytest.raises(ValueError, match=r'^inputs: expected a shape, such as \("n", 3\), .* found none$'):
        assert_always_matches(torch.tanh, torch.tanh)


@pytest.mark.parametrize("given", ["nm", ["n", "m"], torch.zeros(3), 3])
def test_what_is_no_shape_is_named(given: object) -> None:
    """In our words and not in those of Hypothesis."""
    with pytest.raises(TypeError, match=f"inputs: expected a shape, .*, found {type(given).__name__}"):
        assert_always_matches(torch.square, torch.square, given)
