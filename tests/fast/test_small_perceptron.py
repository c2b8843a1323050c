"""A small perceptron's gradient in one call of the kernel is autograd's; what else there is is left."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from manual_backprop.checks import DTYPES
from manual_backprop.fast import small_perceptron
from manual_backprop.fast.kernels import compiled_library
from manual_backprop.fast.perceptron_gradient import Gradients
from manual_backprop.fast.small_perceptron import MULTIPLICATIONS, Small
from manual_backprop.networks import perceptron
from perceptrons_compared import compared, network_of
from strategies_layers import PerceptronCase, dtypes, make_perceptron_case, seeds

LOSSES = ("ssr", "mean_squared_error", "cross_entropy_sum", "cross_entropy_mean")
pytestmark = pytest.mark.skipif(compiled_library.library(torch.float64) is None, reason="no C compiler here")


def relu_case(
    widths: tuple[int, ...] = (4, 5, 3),
    loss: str = "cross_entropy_mean",
    rows: int = 3,
    dtype: torch.dtype = torch.float64,
    seed: int = 1,
) -> PerceptronCase:
    """ReLU between the linear layers."""
    activations = ("relu",) * (len(widths) - 2) + (None,)
    return make_perceptron_case(widths, activations, loss, rows, dtype, seed)


def by_the_kernel(case: PerceptronCase, **changed: torch.Tensor) -> dict[str, torch.Tensor] | None:
    """What the kernel makes of a case."""
    given = {"inputs": case.inputs, "targets": case.targets} | changed
    return Small(network_of(case), case.loss).gradients(case.parameters, **given, out={})


@pytest.mark.medium
@given(
    widths=st.lists(st.integers(1, 37), min_size=2, max_size=4).map(tuple),
    loss=st.sampled_from(LOSSES),
    rows=st.integers(1, 10),
    dtype=dtypes,
    seed=seeds,
)
def test_the_kernels_gradient_is_autograds(
    widths: tuple[int, ...], loss: str, rows: int, dtype: torch.dtype, seed: int
) -> None:
    """Whether or not rows and widths fill its vectors: it takes 4 rows and 8 or 16 columns at a time."""
    case = relu_case(widths, loss, rows, dtype, seed)
    found = by_the_kernel(case)
    assert found is not None
    assert list(found) == list(case.parameters)
    assert compared(case, found) == []


@pytest.mark.parametrize("dtype", DTYPES)
def test_shares_of_any_size_are_right(dtype: torch.dtype) -> None:
    """Logits hundreds apart: shares that underflow, and one that is all."""
    case = relu_case((6, 21), rows=9, dtype=dtype)
    case = case._replace(parameters={name: 200 * value for name, value in case.parameters.items()})
    found = by_the_kernel(case)
    assert found is not None
    assert compared(case, found) == []


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("name", ["0.weight", "2.bias", "input"])
def test_what_is_not_finite_stays_so(name: str, value: float, loss: str) -> None:
    """Neither ReLU nor softmax turns a NaN into a number, unless the plain derivation does."""
    case = relu_case((4, 5, 11), loss=loss)
    {**case.parameters, "input": case.inputs}[name][1] = value
    found = by_the_kernel(case)
    plain = perceptron.gradients(network_of(case), case.parameters, case.inputs, case.targets, loss)
    assert found is not None
    for name, derivative in plain.items():
        assert torch.equal(found[name].isfinite(), derivative.isfinite()), name


def test_at_its_kink_relu_passes_nothing_on() -> None:
    """As torch has it: the derivative at 0 is 0."""
    case = relu_case(loss="ssr")
    case.parameters["0.weight"].zero_()
    case.parameters["0.bias"].zero_()
    found = by_the_kernel(case)
    assert found is not None
    assert not found["0.bias"].any()
    assert found["2.bias"].all()


def test_a_small_network_goes_through_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of torch's way is taken, and the gradient is written where it is to go."""
    case = relu_case((64, 64, 10), rows=128)
    gradients = Gradients(network_of(case), case.loss)
    monkeypatch.setattr(Gradients, "_forward", lambda *_: pytest.fail("torch's way"))
    arguments = (case.parameters, case.inputs, case.targets)
    found = gradients(*arguments)
    out = {name: torch.full_like(value, 9) for name, value in found.items()}
    again = gradients(*arguments, out=out)
    assert all(again[name] is out[name] and torch.equal(out[name], found[name]) for name in found)


def freed(*shape: int) -> torch.Tensor:
    """A tensor whose memory has been given back, as a sharded parameter's is between its uses."""
    tensor = torch.zeros(*shape, dtype=torch.float64)
    tensor.untyped_storage().resize_(0)
    return tensor


# Beyond the targets that do not fit lie zeros: who read on would find a class.
CASES: dict[str, Callable[[], object]] = {
    "more rows than pay": lambda: by_the_kernel(relu_case((64, 64, 10), rows=MULTIPLICATIONS // 4736 + 1)),
    "no rows": lambda: by_the_kernel(relu_case(rows=0)),
    "another activation": lambda: by_the_kernel(
        make_perceptron_case((4, 5, 3), ("tanh", None), "ssr", 3, torch.float64, 1)
    ),
    "an activation at the end": lambda: by_the_kernel(
        make_perceptron_case((4, 5, 3), ("relu", "relu"), "ssr", 3, torch.float64, 1)
    ),
    "another loss": lambda: by_the_kernel(relu_case(loss="binary_cross_entropy_sum")),
    "a class that is none": lambda: by_the_kernel(relu_case(), targets=torch.tensor([0, 3, 1])),
    "a negative class": lambda: by_the_kernel(relu_case(), targets=torch.tensor([0, -1, 1])),
    "classes of another dtype": lambda: by_the_kernel(relu_case(), targets=torch.zeros(6)[:3]),
    "too few classes": lambda: by_the_kernel(relu_case(), targets=torch.zeros(3, dtype=torch.int64)[:2]),
    "targets of another dtype": lambda: by_the_kernel(relu_case(loss="ssr"), targets=torch.zeros(3, 3)),
    "targets that would broadcast": lambda: by_the_kernel(
        relu_case(loss="ssr"), targets=torch.zeros(3, 1, dtype=torch.float64)
    ),
    "a storage that was set free": lambda: by_the_kernel(relu_case(), inputs=freed(3, 4)),
    "columns in memory": lambda: by_the_kernel(
        relu_case(), inputs=torch.zeros(4, 3, dtype=torch.float64).t()
    ),
    "targets that autograd watches": lambda: by_the_kernel(
        relu_case(loss="ssr"), targets=torch.zeros(3, 3, dtype=torch.float64, requires_grad=True)
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_the_kernel_does_not_know_is_left_to_others(case: Callable[[], object]) -> None:
    """They take it, or refuse it in their own words."""
    assert case() is None


def test_a_tensor_without_memory_is_left_to_others() -> None:
    """As torch.func.vmap hands it in."""
    case, found = relu_case(), []
    torch.func.vmap(lambda inputs: found.append(by_the_kernel(case, inputs=inputs)) or inputs)(
        case.inputs.expand(2, 3, 4)
    )
    assert found == [None]


def test_without_a_compiler_torchs_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """It needs none."""
    monkeypatch.setattr(small_perceptron, "library", lambda _: None)
    assert by_the_kernel(relu_case()) is None
