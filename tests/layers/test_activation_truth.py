"""The third witness of the activations: mpmath differentiates the forward formula numerically, at 100 digits.

In the tails torch's own derivatives lose their digits (1 − σ(x) is 0 from x = 38 on, 1 + erf cancels on the
left); the hand-derived ones keep them, and this is the judge.
"""

from collections.abc import Callable

import mpmath
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor

from manual_backprop.layers import activations
from manual_backprop.layers.activations import ELEMENTWISE, elementwise, gelu, sigmoid, tanh
from strategies_layers import DTYPES, dtypes

FORMULAS: dict[str, Callable[[mpmath.mpf], mpmath.mpf]] = {
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "relu": lambda x: max(x, mpmath.mpf(0)),
    "leaky_relu": lambda x: x if x > 0 else mpmath.mpf(0.01) * x,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "tanh": mpmath.tanh,
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
    "gelu": lambda x: x * mpmath.ncdf(x),
    # (1 + tanh(u)) / 2 as 1 / (1 + exp(−2u)): the first would take thousands of digits on the left.
    "gelu_tanh": lambda x: (
        x / (1 + mpmath.exp(-2 * mpmath.sqrt(2 / mpmath.pi) * (x + mpmath.mpf("0.044715") * x**3)))
    ),
}
OPERATIONS = 16
"""The most operations of one derivative, each of them right to a rounding or two."""


def worst_error(name: str, x: float, dtype: torch.dtype) -> float:
    """The error of output and derivative at x, the larger one, in units of what rounding explains.

    Every operation is wrong by a rounding of its result, which moves f′ as a rounding of x would, by
    eps · |x · f″(x)|, or by eps · |f′(x)| itself.
    """
    tensor = torch.tensor([x], dtype=dtype)
    layer = ELEMENTWISE[name]
    output, saved = layer.forward({}, tensor)
    derivative = layer.backward(saved, torch.ones_like(tensor))["input"]
    finfo = torch.finfo(dtype)
    with mpmath.workdps(100):
        at = mpmath.mpf(tensor.item())
        truth = [FORMULAS[name](at), *(mpmath.diff(FORMULAS[name], at, order) for order in (1, 2))]
        errors = []
        for order, found in enumerate((output, derivative)):
            moved = abs(truth[order]) + abs(at * truth[order + 1])
            # Below the smallest normal number, digits go one by one.
            allowed = OPERATIONS * (finfo.eps * moved + finfo.tiny * max(1, abs(at)))
            errors.append(float(abs(mpmath.mpf(found.item()) - truth[order]) / allowed))
    return max(errors)


def test_every_formula_has_its_activation() -> None:
    """A new activation is compared with torch from its entry on; a formula above is a third witness."""
    assert FORMULAS.keys() <= ELEMENTWISE.keys()


@pytest.mark.sample(4)
@pytest.mark.parametrize("name", FORMULAS)
@given(x=st.floats(-60, 60, width=32).filter(lambda x: abs(x) > 1e-6), dtype=dtypes)
@example(x=-40.0, dtype=torch.float64)
@example(x=40.0, dtype=torch.float64)
@example(x=-8.5, dtype=torch.float64)
@example(x=-14.0, dtype=torch.float64)
@example(x=-20.0, dtype=torch.float32)
@example(x=20.0, dtype=torch.float32)
def test_value_and_derivative_are_right_to_rounding(name: str, x: float, dtype: torch.dtype) -> None:
    """In the tails too; a kink at 0 has no derivative to compare with."""
    assert worst_error(name, x, dtype) <= 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_local_derivative_has_the_dtype_and_shape_of_its_input(dtype: torch.dtype) -> None:
    """Also that of ReLU, which begins as a comparison."""
    functions = [function for name, function in vars(activations).items() if name.startswith("d_")]
    assert len(functions) == len(ELEMENTWISE)
    x = torch.linspace(-2, 2, 6, dtype=dtype).reshape(2, 3)
    for function in functions:
        derivative = function(x)
        assert (derivative.dtype, derivative.shape) == (dtype, x.shape)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_cancelling_forms_are_refused(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    """Testing the test: σ(x) · (1 − σ(x)), 1 − tanh²(x) and 1 + erf lose their digits in the tails."""

    def d_gelu_by_erf(x: Tensor) -> Tensor:
        return 0.5 * (1 + torch.erf(x * 0.5**0.5)) + x * torch.exp(-x * x / 2) * (0.5 / torch.pi) ** 0.5

    cancelling = {
        "sigmoid": elementwise(sigmoid, lambda x: torch.sigmoid(x) * (1 - torch.sigmoid(x))),
        "tanh": elementwise(tanh, lambda x: 1 - torch.tanh(x) ** 2),
        "gelu": elementwise(
            gelu,
            lambda x: (
                0.5 * (1 + torch.erf(x * 0.5**0.5)) + x * torch.exp(-x * x / 2) * (0.5 / torch.pi) ** 0.5
            ),
        ),
    }
    for name, x in {"sigmoid": 30.0, "tanh": 15.0, "gelu": -5.0}.items():
        assert worst_error(name, x, dtype) <= 1
        monkeypatch.setitem(ELEMENTWISE, name, cancelling[name])  # type: ignore[arg-type]
        assert worst_error(name, x, dtype) > 1
