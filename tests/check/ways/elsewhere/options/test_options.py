"""Flags the other way and numbers other than 0 and 1: what a backward forgets of them."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from torch_reference import check_function

x = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def scaled(x: Tensor, factor: float) -> Tensor:
    """x times a number."""
    return torch.sin(x) * factor


class Forgets(torch.autograd.Function):
    """Forgets the factor."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
        """Keeps x alone."""
        ctx.save_for_backward(x)
        return scaled(x, factor)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        """As if the factor were 1."""
        return g * ctx.saved_tensors[0].cos(), None


def status(*call: Any, **options: Any) -> str:
    """What came of the way."""
    report = check_function(*call, ways=["options"], order=1, draws=0, **options)
    return dict(report.ways)["options"]


def test_a_factor_of_one_hides_that_it_is_forgotten() -> None:
    """Named with the number that shows it; the call that is shown is the given one."""
    report = check_function(Forgets, scaled, x, 1.0, order=1)
    assert report.note == "with inputs[1] = 0.75 in place of 1.0"
    assert dict(report.ways)["options"] == "fails"
    assert report.smallest[0][-1].strip() == "1.0, ways=['options'])"


@pytest.mark.medium
def test_a_reduction_is_another_one() -> None:
    """A backward that divides by the number of elements, whatever is asked for."""
    plain = torch.nn.functional.mse_loss

    class OfTheMean(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, y: Tensor, reduction: str) -> Tensor:
            ctx.save_for_backward(x - y)
            return plain(x, y, reduction=reduction)

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor, None]:
            (d,) = ctx.saved_tensors
            return 2 * g * d / d.numel(), -2 * g * d / d.numel(), None

    report = check_function(
        OfTheMean, lambda x, y, r: plain(x, y, reduction=r), x, x.cos(), "mean", ways=["options"], order=1
    )
    assert report.note == "with inputs[2] = 'sum' in place of 'mean'"


def test_a_single_number_of_zero_is_moved() -> None:
    """A temperature that is learnt begins at e⁰; that its gradient is asked for says that it is no flag."""

    class Cold(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, t: Tensor) -> Tensor:
            ctx.save_for_backward(x, t)
            return x * torch.exp(t)

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor]:
            x, t = ctx.saved_tensors
            return g, (g * x).sum() * torch.exp(t)

    zero = torch.zeros((), dtype=x.dtype)
    report = check_function(Cold, lambda x, t: x * torch.exp(t), x, zero, ways=["redrawn"], order=1)
    assert report.note == "where a single number is neither 0 nor 1"


@pytest.mark.medium
def test_what_has_another_option_in_mind_is_not_judged() -> None:
    """Other values are another function: the factor that it does not take is its own affair."""
    assert status(lambda x, factor: torch.sin(x), scaled, x, 1.0) == "refused"


def test_an_option_that_the_reference_does_not_read_stays() -> None:
    """A kernel may believe it, and read beyond its memory."""
    seen = []

    def counted(x: Tensor, rows: int) -> Tensor:
        seen.append(rows)
        return torch.sin(x)

    assert status(counted, lambda x, rows: torch.sin(x), x[:1], 1) == "cannot apply"
    assert set(seen) == {1}


def test_a_flag_that_changes_gradients_alone_is_read() -> None:
    """As one that scales them by how often an index occurs."""
    detached = lambda x, learns: torch.sin(x if learns else x.detach() + 0 * x)  # noqa: E731
    assert status(detached, detached, x, True) == "agrees"
    assert status(lambda x, learns: torch.sin(x), detached, x, True) == "fails"


def test_without_a_reference_no_option_is_changed() -> None:
    """Its own forward is confirmed by its values at the given options alone."""
    assert status(Forgets, None, x, 1.0) == "cannot apply"


@pytest.mark.parametrize(("given", "other"), [(2, 3), (1e-3, 5e-4)])
def test_a_number_that_is_written_into_a_backward_is_seen(given: float, other: float) -> None:
    """As the eps of a norm, or the width of a head."""

    class Written(Forgets):
        @staticmethod
        def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
            return g * ctx.saved_tensors[0].cos() * given, None

    report = check_function(Written, scaled, x, given, ways=["options"], order=1, draws=0)
    assert report.note == f"with inputs[1] = {other} in place of {given}"
    assert status(scaled, scaled, x, given) == "agrees"


def test_no_state_is_an_option() -> None:
    """An object's attribute may be its own."""
    held = SimpleNamespace(x=x, count=1)
    assert status(lambda of: of.x * 5 * of.count, lambda of: of.x * 5 * of.count, held) == "cannot apply"
    assert status(Forgets, scaled, x, torch.tensor(1.0), wrt=[0]) == "cannot apply"
    nested = {"steps": (1, 2)}
    steps = lambda x, of: x * of["steps"][0]  # noqa: E731
    report = check_function(steps, steps, x, nested, ways=["options"], order=1)
    assert dict(report.ways) == {"options": "agrees"}


@pytest.mark.medium
def test_a_pair_in_numpy_is_given_other_options() -> None:
    """In a dict, as a course has them; arrays have no hash."""

    def forward(x: Any, of: dict[str, int]) -> Any:
        return x[:: of["stride"]] * 3, (x.shape, of["stride"])

    def backward(saved: Any, g: Any) -> Any:
        shape, _ = saved
        d = np.zeros(shape)
        d[: len(g)] = 3 * g  # as if the stride were 1
        return d, None

    report = check_function(
        (forward, backward), lambda x, of: x[:: of["stride"]] * 3, x.numpy(), {"stride": 1}, order=1
    )
    assert dict(report.ways)["options"] == "fails"
    assert report.note == "with inputs[1]['stride'] = 2 in place of 1"


def test_what_becomes_random_is_left_alone() -> None:
    """Dropout of nothing has one value, and dropout of a quarter has many."""
    dropout = torch.nn.functional.dropout
    assert status(dropout, dropout, x, 0.0, False) == "agrees"  # in training
    assert status(lambda x, p: dropout(x, p), lambda x, p: dropout(x, p), x, 0.0) == "cannot apply"


@pytest.mark.medium
def test_a_constant_that_has_no_derivative_hides_nothing() -> None:
    """The weights of cross-entropy's classes: the reference's gradient of them is nobody's question."""
    targets, ones = torch.tensor([0, 2, 1, 1]), torch.ones(3, dtype=x.dtype)
    plain = torch.nn.functional.cross_entropy

    def of_number(x: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        found = plain(x, targets, weights)
        other = plain(x, targets, weights, reduction="sum") / len(targets)
        return found.detach() + other - other.detach()

    report = check_function(of_number, plain, x, targets, ones, wrt=[0], ways=["redrawn"], order=1)
    assert dict(report.ways) == {"redrawn": "fails"}
