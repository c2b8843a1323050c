"""What torch makes of an operation beside its numbers is not lost: what watches gets the plain derivation."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.fx.experimental.proxy_tensor import make_fx
from torch.overrides import TorchFunctionMode

import manual_backprop
from lessons_seven import seven_only
from manual_backprop import lesson
from manual_backprop.fast import lesson_gradient, small_perceptron, triangle_in_blocks
from manual_backprop.fast import parallel_blocks as blocks
from manual_backprop.fast.kernels.plain_tensors import is_watched
from manual_backprop.fast.perceptron_gradient import Gradients
from manual_backprop.networks import perceptron
from perceptrons_compared import network_of, small_case

pytestmark = pytest.mark.usefixtures("as_a_user_runs_it")  # whose checks would be traced, too

START, DATA = lesson.start(), lesson.data()
MANY = torch.linspace(-1, 1, blocks.BLOCK + 1, dtype=torch.float64)
CASE = small_case("ssr")
PREPARED = Gradients(network_of(CASE), CASE.loss)


@pytest.fixture(autouse=True)
def no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking for one fails: all that is here goes without."""
    for module in (lesson_gradient, small_perceptron, triangle_in_blocks):
        monkeypatch.setattr(module, "library", lambda _: pytest.fail("a kernel"))


def lessons(way: Callable[..., dict[str, Tensor]], w1: Tensor, inputs: Tensor) -> Tensor:
    """All seven derivatives by one way."""
    found = way({**START, "w1": w1}, inputs, DATA[1], manual_backprop.PARAMETERS)
    return torch.stack(list(found.values()))


def perceptrons(way: Callable[..., dict[str, Tensor]], weight: Tensor, inputs: Tensor) -> Tensor:
    """All derivatives of a small perceptron by one way."""
    found = way({**CASE.parameters, "0.weight": weight}, inputs, CASE.targets)
    return torch.cat([value.flatten() for value in found.values()])


def plain_perceptron(parameters: dict[str, Tensor], inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """The plain derivation of the case's network."""
    return perceptron.gradients(network_of(CASE), parameters, inputs, targets, CASE.loss)


PAIRS = {
    "the lesson": (
        lambda w1, inputs: lessons(lesson_gradient.gradients, w1, inputs),
        lambda w1, inputs: lessons(manual_backprop.gradients, w1, inputs),
        (START["w1"], DATA[0]),
    ),
    "a perceptron": (
        lambda weight, inputs: perceptrons(PREPARED, weight, inputs),
        lambda weight, inputs: perceptrons(plain_perceptron, weight, inputs),
        (CASE.parameters["0.weight"], CASE.inputs),
    ),
}
both = pytest.mark.parametrize(("fast", "plain", "arguments"), PAIRS.values(), ids=PAIRS)
torchs_own = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
Way = Callable[[Tensor, Tensor], Tensor]


@pytest.mark.sample(1)
@torchs_own
@both
@pytest.mark.parametrize("position", [0, 1])
def test_a_tangent_is_carried_on(
    fast: Way, plain: Way, arguments: tuple[Tensor, Tensor], position: int
) -> None:
    """Forward-mode differentiation, by its own levels and by torch.func, of a parameter and of the data."""

    def tangents(way: Way) -> tuple[Tensor, Tensor]:
        given = list(arguments)
        with forward_ad.dual_level():
            given[position] = forward_ad.make_dual(given[position], torch.ones_like(given[position]))
            by_level = forward_ad.unpack_dual(way(*given)).tangent
        directions = [torch.zeros_like(value) for value in arguments]
        directions[position] += 1
        return by_level, torch.func.jvp(way, arguments, tuple(directions))[1]

    for found, expected in zip(tangents(fast), tangents(plain), strict=True):
        assert found.any()
        assert torch.equal(found, expected)


@torchs_own
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@both
def test_a_trace_is_of_the_whole_derivation(fast: Way, plain: Way, arguments: tuple[Tensor, Tensor]) -> None:
    """What was traced gives the right numbers for other arguments; a kernel leaves no operation behind."""
    others = [1.5 * value for value in arguments]
    expected = plain(*others)
    traced = torch.jit.trace(fast, arguments, check_trace=False)
    graph = make_fx(fast)(*arguments)
    for way in (traced, graph):
        torch.testing.assert_close(way(*others), expected, rtol=1e-13, atol=0)


@both
def test_every_transformation_of_torch_func_is_followed(
    fast: Way, plain: Way, arguments: tuple[Tensor, Tensor]
) -> None:
    """A batch, a derivative, a Jacobian, and functionalisation; of what is captured, too."""
    first, second = arguments
    stacked = torch.stack([first, 2 * first])
    for transform in (
        lambda way: torch.func.vmap(way, (0, None))(stacked, second),
        lambda way: torch.func.grad(lambda value: way(value, second).sum())(first),
        lambda way: torch.func.jacrev(way)(first, second),
        lambda way: torch.func.functionalize(way)(first, second),
    ):
        torch.testing.assert_close(transform(fast), transform(plain), rtol=1e-13, atol=0)


class Counting(TorchFunctionMode):
    """A mode that counts the functions of torch."""

    calls = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        """One more."""
        self.calls += 1
        return func(*args, **(kwargs or {}))


@both
def test_a_mode_sees_every_operation(fast: Way, plain: Way, arguments: tuple[Tensor, Tensor]) -> None:
    """As many as of the plain derivation, and no fewer."""
    with Counting() as plainly:
        plain(*arguments)
    with Counting() as quickly:
        fast(*arguments)
    assert quickly.calls >= plainly.calls


@pytest.mark.filterwarnings("ignore:.*prototype stage")
@pytest.mark.parametrize("name", ["inputs", "targets"])
def test_a_nested_tensor_is_left_to_the_plain_derivation(name: str) -> None:
    """Which says what it thinks of it; its memory is not that of rows and columns."""
    data = {"inputs": CASE.inputs, "targets": CASE.targets}
    data[name] = torch.nested.nested_tensor(list(CASE.inputs))
    said = []
    for way in (plain_perceptron, PREPARED):
        with pytest.raises((RuntimeError, TypeError, ValueError)) as error:
            way(CASE.parameters, *data.values())
        said.append(str(error.value))
    assert said[0] == said[1]


@seven_only
@pytest.mark.parametrize("name", ["w1", "inputs"])
def test_what_autograd_watches_is_not_lost_on_the_way_to_a_triangle(name: str) -> None:
    """Its result can be differentiated, or says that it cannot."""
    given = {**START, "inputs": MANY}
    given[name] = given[name].clone().requires_grad_()
    parameters = {key: given[key] for key in START}
    assert triangle_in_blocks.from_data(parameters, given["inputs"], MANY).rows.requires_grad


def test_nothing_is_watched_unless_something_watches() -> None:
    """A default device, an inference mode and a graph elsewhere are no reason."""
    assert not is_watched()
    with torch.device("cpu"), torch.inference_mode():
        assert not is_watched()
    with forward_ad.dual_level():
        assert is_watched()
    with Counting():
        assert is_watched()
    assert "torch.autograd.forward_ad" in sys.modules


@contextmanager
def compiled_anew() -> Iterator[None]:
    """torch.compile without what it has compiled before."""
    torch.compiler.reset()
    yield
    torch.compiler.reset()


@pytest.mark.skipif(hasattr(lesson.forward, "__wrapped__"), reason="see test_compiled_derivations.py")
@pytest.mark.slow
@both
def test_torch_compile_is_given_the_plain_derivation(
    fast: Way, plain: Way, arguments: tuple[Tensor, Tensor]
) -> None:
    """The lesson's as one graph; the plain perceptron's itself is none."""
    with compiled_anew():
        whole = torch.compile(fast, backend="eager", fullgraph=fast is PAIRS["the lesson"][0])
        torch.testing.assert_close(whole(*arguments), plain(*arguments), rtol=1e-13, atol=0)
