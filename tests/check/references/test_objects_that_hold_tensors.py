"""A dataclass, or any object that holds tensors, is an argument and a result like a dict of them."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from autograd_functions import function
from torch_reference import check_function

x = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
w = torch.rand(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) + 0.5


@dataclass(frozen=True)
class Frozen:
    """A dataclass that takes no assignment."""

    x: Tensor
    w: Tensor


class Plain:
    """A class of the user's own, which leads back to itself and cannot be assigned to twice."""

    def __init__(self, x: Tensor, w: Tensor) -> None:
        """Hold both."""
        self.x, self.w, self.itself = x, w, self

    def __setattr__(self, name: str, value: Any) -> None:
        """Once only."""
        assert name not in self.__dict__
        super().__setattr__(name, value)


class Slots:
    """Attributes without a dict."""

    __slots__ = ("empty", "w", "x")

    def __init__(self, x: Tensor, w: Tensor) -> None:
        """Hold both."""
        self.x, self.w = x, w


class Words(dict[str, Any]):
    """A dict of a class of its own, as tokenisers and models return them."""

    x = property(lambda self: self["x"])
    w = property(lambda self: self["w"])


class Row(tuple[Tensor, ...]):
    """A tuple of a class of its own."""

    __slots__ = ()
    x = property(lambda self: self[0])
    w = property(lambda self: self[1])


MADE: dict[str, Callable[[Tensor, Tensor], Any]] = {
    "a dataclass": Frozen,
    "an object": Plain,
    "an object with slots": Slots,
    "a namespace": lambda x, w: SimpleNamespace(x=x, w=w, name="both"),
    "a dict of its own class": lambda x, w: Words(x=x, w=w),
    "a tuple of its own class": lambda x, w: Row((x, w)),
    "an object in an object": lambda x, w: SimpleNamespace(x=x, w=w, inner=[Slots(x, w)]),
    "a distribution": lambda x, w: SimpleNamespace(x=x, w=w, normal=torch.distributions.Normal(x, w)),
}


@pytest.mark.medium(2)
@pytest.mark.parametrize("kind", MADE)
def test_tensors_are_judged_wherever_they_are_held(kind: str) -> None:
    """As an argument and as a result, each with its own gradient; what was given is left as it was."""
    made = MADE[kind]
    given = made(x, w)
    taken = check_function(lambda held: held.x * held.w, lambda held: held.w * held.x, given, ways=["rows"])
    assert taken.agrees, taken
    names = {finding.name for finding in taken.findings}
    assert {"inputs[0]['x']", "inputs[0]['w']"} <= names or {"inputs[0][0]", "inputs[0][1]"} <= names
    assert [given.x.data_ptr(), given.w.data_ptr()] == [x.data_ptr(), w.data_ptr()]
    returned = check_function(
        lambda x: made(2 * x, x * x + 1), lambda x: made(x + x, x**2 + 1), x, ways=["spread"]
    )
    assert returned.agrees, returned
    wrong = lambda held: held.x * held.w.detach()  # noqa: E731
    assert not check_function(wrong, lambda held: held.w * held.x, given, ways=[], draws=0)


def test_a_wrong_gradient_inside_of_an_object_goes_by_its_attribute() -> None:
    """The name says where it stands."""
    report = check_function(
        lambda held: held.x * held.w.detach(), lambda held: held.x * held.w, Frozen(x, w), ways=[], draws=0
    )
    assert [finding.name for finding in report.findings if not finding.agrees] == ["inputs[0]['w']"]


def test_the_constants_in_a_functions_settings_are_not_asked_for() -> None:
    """A Function hands nothing to what is inside of an argument; the report says what was left out."""
    scaled = function(
        _kept,
        lambda ctx, g: (g * ctx.held.w, None),
    )
    report = check_function(scaled, lambda x, held: x * held.w, x, SimpleNamespace(w=w), ways=[])
    assert report.agrees, report
    assert "inputs[1]['w']" in str(report)


def _kept(ctx: Any, x: Tensor, held: Any) -> Tensor:
    ctx.held = held
    return x * held.w


def test_none_for_what_may_be_a_constant_says_how_to_say_so() -> None:
    """Nobody said which inputs require a gradient; then None for one of them may be meant."""

    def forward(ctx: Any, x: Tensor, factor: Tensor) -> Tensor:
        ctx.factor = factor
        return x * factor

    scaled = function(forward, lambda ctx, g: (g * ctx.factor, None))
    factor = torch.tensor(2.0, dtype=torch.float64)
    report = check_function(scaled, lambda x, factor: x * factor, x, factor, ways=[])
    assert not report
    assert "None for inputs[1]: where that is a constant" in str(report)
    given = x.clone().requires_grad_()
    assert check_function(scaled, lambda x, factor: x * factor, given, factor, ways=[])


class Locked:
    """It cannot be copied."""

    def __init__(self) -> None:
        """Hold a tensor."""
        self.w = w

    def __copy__(self) -> None:
        """Raise an error."""
        raise RuntimeError("one of a kind")


class Ending(Locked):
    """It ends the program where it is copied, and cannot be compared."""

    def __copy__(self) -> None:
        """End."""
        sys.exit(0)

    def __eq__(self, other: object) -> bool:
        """Raise an error."""
        raise RuntimeError("no two are alike")

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "made",
    [Locked, Ending, lambda: torch.quantize_per_tensor(w.float(), 0.1, 0, torch.qint8)],
    ids=["locked", "ending", "quantised"],
)
def test_what_cannot_be_copied_or_compared_ends_no_check(made: Callable[[], Any]) -> None:
    """It stays what it is, as an argument and as a result."""
    given = made()
    function = lambda x, held: (2 * x, held)  # noqa: E731
    assert check_function(function, lambda x, held: (x + x, held), x, given, ways=["spread"])
