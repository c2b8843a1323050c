"""Names cannot meet, threads share a model, and the caller's modes change no verdict of a derivation."""

import functools
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mutated import PROFILE
from torch_reference import check_derivation

x = torch.randn(3, 2, generator=torch.Generator().manual_seed(0)).double()
y = torch.randn(3, 2, generator=torch.Generator().manual_seed(1)).double()


class Named(nn.Module):
    """x · p, the parameter being called whatever is asked for."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.register_parameter(name, nn.Parameter(y.clone()))

    def forward(self, inputs: Tensor) -> Tensor:
        """The product."""
        return inputs * getattr(self, self.name)


def total(output: Tensor, _: Any) -> Tensor:
    """The sum of squares."""
    return output.square().sum()


@pytest.mark.parametrize(
    "name", ["inputs", "targets", "inputs[0]", "d_loss_d_x", "value_of_x", "self", 'in"ch']
)
def test_a_parameter_may_be_called_as_the_data_are(name: str) -> None:
    """The right gradient agrees, and the inputs' own is wrong for it."""

    def right(p: Mapping[str, Tensor], x: Tensor, _: Any) -> dict[str, Tensor]:
        return {name: 2 * x * x * p[name]}

    def of_the_inputs(p: Mapping[str, Tensor], x: Tensor, _: Any) -> dict[str, Tensor]:
        return {name: 2 * x * p[name] * p[name]}

    assert check_derivation(Named(name), total, x, y, right), name
    assert not check_derivation(Named(name), total, x, y, of_the_inputs, draws=0)


def of_linear(sign: float) -> Callable[..., dict[str, Tensor]]:
    """The derivation of a linear layer's sum of squares, right for a sign of 1."""

    def derivation(p: Mapping[str, Tensor], x: Tensor, _: Any) -> dict[str, Tensor]:
        d_out = 2 * (x @ p["weight"].T + p["bias"])
        return {"weight": sign * d_out.T @ x, "bias": d_out.sum(0)}

    return derivation


CHECKS = {"thorough": 400, "ci": 40}.get(PROFILE, 4)
"""In each of four threads."""


class Reaching(nn.Module):
    """A linear layer that is reached by a function, which a copy would share."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2, 2, dtype=torch.float64))
        self.bias = nn.Parameter(torch.randn(2, dtype=torch.float64))
        self.call = lambda x: x @ self.weight.T + self.bias

    def forward(self, inputs: Tensor) -> Tensor:
        """By that function."""
        return self.call(inputs)


@pytest.fixture
def often_another_thread() -> Iterator[None]:
    """Threads take turns every 10 µs: they meet more often, and do not wait for each other's 5 ms."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("often_another_thread")
@pytest.mark.parametrize("model", [nn.Linear(2, 2).double(), Reaching()], ids=["copied", "not copied"])
def test_one_model_is_checked_in_four_threads_while_another_uses_it(model: nn.Module) -> None:
    """No verdict is wrong, and the model is the same object with the same parameters afterwards.

    A model that cannot be copied is lent to one check after the other, and no other thread may use it.
    """
    before = dict(model.named_parameters())
    expected = model(x).detach()
    seen = {"right refused": 0, "wrong agreed": 0, "right": 0, "wrong": 0}

    def check(sign: float) -> None:
        for _ in range(CHECKS):
            agrees = check_derivation(model, total, x, None, of_linear(sign), draws=0).agrees
            told = {(1, True): "right", (1, False): "right refused", (-1, True): "wrong agreed"}
            with lock:
                seen[told.get((sign, agrees), "wrong")] += 1

    lock = threading.Lock()
    threads = [threading.Thread(target=check, args=(sign,)) for sign in (1, -1, 1, -1)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert isinstance(model, Reaching) or torch.equal(model(x).detach(), expected)
        time.sleep(0.001)
    print(seen)
    half = 2 * CHECKS
    assert seen == {"right refused": 0, "wrong agreed": 0, "right": half, "wrong": half}
    assert all(value is before[name] for name, value in model.named_parameters())
    assert torch.equal(model(x).detach(), expected)


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad, lambda: torch.autocast("cpu")])
def test_the_callers_modes_change_no_verdict(mode: Callable[[], Any]) -> None:
    """A right derivation agrees, a wrong one does not, on data made in that mode."""
    with mode():
        model = nn.Linear(2, 2).double()
        made = x * 1
        assert check_derivation(model, total, made, None, of_linear(1.0))
        assert not check_derivation(model, total, made, None, of_linear(-1.0), draws=0)


def test_a_model_that_raises_is_a_finding() -> None:
    """With the part that failed; nothing is compared."""
    report = check_derivation(nn.Linear(5, 2).double(), total, x, None, of_linear(1.0))
    assert report.first_wrong is not None
    assert report.first_wrong.name == "model and loss"
    assert str(report).startswith("UNDECIDED")
    assert report.user_code_failed


class ByAnotherWay(nn.Module):
    """A layer that is reached by a function which a copy of the module would share."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 1, bias=False).double()
        layer = self.layer
        ways = {
            "a closure over self": lambda x: self.layer(x),
            "a closure over a layer": lambda x: layer(x),
            "a closure over a method": (lambda call: lambda x: call(x))(layer.forward),
            "a default": lambda x, of=layer: of(x),
            "a function in a function": (lambda call: lambda x: call(x))(lambda x: layer(x)),
            "a partial": functools.partial(lambda of, x: of()(x), lambda: layer),
        }
        self.call = ways.get(how)
        if how == "a forward that was replaced":
            self.call, self.forward = lambda x: x, lambda x: self.layer(x)
        if how == "a list":
            self.calls, self.call = [lambda x: self.layer(x)], lambda x: self.calls[0](x)

    def forward(self, inputs: Tensor) -> Tensor:
        """By that way."""
        return self.call(inputs)


@pytest.mark.parametrize(
    "how",
    [
        *("a closure over self", "a closure over a layer", "a closure over a method", "a default", "a list"),
        *("a function in a function", "a partial", "a forward that was replaced"),
    ],
)
def test_a_function_that_knows_the_models_modules_calls_those_that_are_judged(how: str) -> None:
    """A right derivation agrees, and a wrong one does not, however the model reaches its layers."""
    for sign in (1, -1):

        def derivation(p: Mapping[str, Tensor], x: Tensor, _: Any, sign: int = sign) -> dict[str, Tensor]:
            return {"layer.weight": sign * 2 * (x @ p["layer.weight"].T).T @ x}

        report = check_derivation(ByAnotherWay(how), total, x, None, derivation, draws=0)
        assert report.agrees is (sign == 1), report


def test_the_search_for_the_line_hangs_nothing_on_the_model_that_was_given() -> None:
    """Another thread may use it, or check it: its parameters and its hooks are its own all the time."""
    before = dict((model := nn.Sequential(nn.Linear(2, 2).double())).named_parameters())

    def watching(output: Tensor, _: Any) -> Tensor:
        assert all(value is before[name] for name, value in model.named_parameters())
        assert not any(module._forward_hooks for module in model.modules())
        return output.square().sum()

    def wrong(p: Mapping[str, Tensor], x: Tensor, _: Any) -> dict[str, Tensor]:
        d_out = -2 * (x @ p["0.weight"].T + p["0.bias"])
        return {"0.weight": d_out.T @ x, "0.bias": d_out.sum(0)}

    assert "-2 * (x @ p" in str(check_derivation(model, watching, x, None, wrong))  # the line was found
