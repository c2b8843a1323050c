"""Numbers that are rows by themselves: what a sample of them settles, and what it must leave to others."""

import math
from collections.abc import Callable, Iterator, Mapping

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference import Row, Verdict
from torch_reference.judging.calls.cuts import choices_of_rows
from torch_reference.tolerance.rows import judgement
from torch_reference.tolerance.rows.by_rows import rows_by_parts
from torch_reference.tolerance.rows.whole import Allowed, Rows

SHAPE = 512, 128
Inputs = Mapping[str, Tensor]
FINE = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
Samples = list[tuple[Tensor, int]]


@pytest.fixture(autouse=True)
def small_samples(samples: Samples, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Of a thousand numbers, which are of most columns."""
    monkeypatch.setattr(judgement, "SAMPLE", 1024)
    yield
    for numbers, _ in samples:
        assert len({int(number) % SHAPE[1] for number in numbers}) >= SHAPE[1] // 2


def drawn(dtype: torch.dtype) -> dict[str, Tensor]:
    """Inputs and upstream gradients."""
    x, up = torch.randn(2, *SHAPE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return {"inputs[0]": x.to(dtype), "up": up.to(dtype)}


def gradient(function: Callable[[Tensor], Tensor]) -> Callable[[Inputs], dict[str, Tensor]]:
    """By autograd."""

    def of(values: Inputs) -> dict[str, Tensor]:
        leaf = values["inputs[0]"].detach().requires_grad_()
        return {"inputs[0]": torch.autograd.grad(function(leaf), leaf, values["up"])[0]}

    return of


def judged(
    point: Inputs, found: Tensor, function: Callable[[Tensor], Tensor] = functional.silu
) -> dict[str, Row] | None:
    """What is said of a gradient where each number is a row."""

    def choices() -> Iterator[Rows]:
        cut = [name for name, value in point.items() if value.shape == SHAPE]
        yield Rows(cut, ["inputs[0]"], found.numel(), SHAPE)

    return rows_by_parts(gradient(function), point, choices, {"inputs[0]": found}, Allowed())


def by_hand(point: Inputs) -> Tensor:
    """Of x · sigmoid(x): nothing is left of it beside -1.28."""
    x, up = point.values()
    s = torch.sigmoid(x)
    return up * (s + x * s * (1 - s))


@FINE
def test_few_numbers_of_an_activation_are_left(dtype: torch.dtype, samples: Samples) -> None:
    """Some of each row, so that of rows all would be; the worst has its place."""
    point = drawn(dtype)
    rows = judged(point, by_hand(point))
    assert rows is not None
    assert rows["inputs[0]"].agrees
    assert rows["inputs[0]"].elements == SHAPE[0] * SHAPE[1]
    assert len(rows["inputs[0]"].index) == 2
    assert 0 < samples[0][1] < SHAPE[0] * SHAPE[1] // 16


def place(row: int, column: int) -> Tensor:
    """True there alone."""
    return torch.zeros(SHAPE, dtype=torch.bool).index_put(
        (torch.tensor(row), torch.tensor(column)), torch.tensor(True)
    )


@FINE
def test_one_wrong_number_is_told_at_its_place(dtype: torch.dtype) -> None:
    """By 1e-4 of itself, or a hundred roundings."""
    point = drawn(dtype)
    right = by_hand(point)
    by = 1 + max(1e-4, 50 * torch.finfo(dtype).eps)
    rows = judged(point, torch.where(place(301, 5), by * right, right))
    assert rows is not None
    row = rows["inputs[0]"]
    assert (row.verdict, row.index, row.wrong_elements) == (Verdict.DIFFERS, (301, 5), 1)


@FINE
def test_what_is_wrong_everywhere_is_for_others_to_tell(dtype: torch.dtype) -> None:
    """NaN, a rounding in each of one column or one row, a factor."""
    point, u = drawn(dtype), torch.finfo(dtype).eps / 2
    right = by_hand(point)
    assert judged(point, torch.where(place(301, 5), math.nan, right)) is None
    assert judged(point, right * (1 + 6 * u)) is None
    assert judged(point, right + (6 * u * right.abs()) * (torch.arange(128) == 7)) is None
    assert judged(point, right + (6 * u * right.abs()) * (torch.arange(512) == 8)[:, None]) is None


def test_a_factor_that_rounds_is_no_mistake() -> None:
    """As that of a mean is, in all numbers alike."""
    point = drawn(torch.float64)
    right = by_hand(point)
    rows = judged(point, right * (1 + 2**-52))
    assert rows is not None
    assert rows["inputs[0]"].agrees


def test_what_takes_numbers_together_is_no_activation(samples: Samples) -> None:
    """A softmax makes something else of a few; what goes by places, of all but the first."""
    point = drawn(torch.float64)

    def by_place(x: Tensor) -> Tensor:
        return x * (1 + (torch.arange(x.numel()) >= 64).view_as(x))

    seen = list[int]()

    def softmax(x: Tensor) -> Tensor:
        seen.append(x.numel())
        return torch.softmax(x, -1)

    for function in (softmax, by_place):
        assert judged(point, gradient(function)(point)["inputs[0]"], function) is None
    assert not samples
    assert set(seen) == {32, SHAPE[0] * SHAPE[1]}


def test_of_what_many_are_left_rows_may_tell(samples: Samples) -> None:
    """One number in four, here."""
    point = drawn(torch.float64)
    right = by_hand(point)
    assert judged(point, right + right * 2**-48 * (torch.arange(SHAPE[1]) % 4 == 0)) is None
    assert [left for _, left in samples] == [-1]


def test_what_loses_its_digits_is_not_settled(samples: Samples) -> None:
    """Its floors are as large as the numbers: what is within them need not be right."""
    point = drawn(torch.float32)
    found = point["up"] * point["inputs[0]"]
    assert judged(point, found, lambda x: (x + 1e6).square() / 2 - 1e6 * x) is None
    assert [left for _, left in samples] == [-1]


def test_what_is_blunt_on_the_whole_is_not_settled(samples: Samples) -> None:
    """Though the least of its floors is small, and everything within them."""
    point = drawn(torch.float32)

    function = lambda x: torch.where(x > 0, x, (x + 1e7).square() / 2 - (1e7 - 1) * x)  # noqa: E731
    found = gradient(function)({name: value.double() for name, value in point.items()})
    assert judged(point, found["inputs[0]"].float(), function) is None
    assert [left for _, left in samples] == [-1]


@pytest.mark.parametrize("at", [(3, 5), (501, 7)])
def test_the_worst_number_is_shown_whichever_block_it_is_in(at: tuple[int, int]) -> None:
    """A rounding off, where all others are those of the reference."""
    point = drawn(torch.float64)
    right = gradient(functional.silu)(point)["inputs[0]"]
    rows = judged(point, torch.where(place(*at), right * (1 + 2**-52), right))
    assert rows is not None
    assert rows["inputs[0]"].index == at


def test_half_a_tensor_of_zeros_is_within_its_floors(samples: Samples) -> None:
    """Of what is zero and shall be so nothing is left."""
    x, up = (point := drawn(torch.float64)).values()
    rows = judged(point, torch.where(x > 0, 3 * x.square() * up, 0.0), lambda x: x.clamp(min=0) ** 3)
    assert rows is not None
    assert rows["inputs[0]"].agrees
    assert [left for _, left in samples] == [0]


def test_a_mean_of_what_takes_each_by_itself_has_numbers_as_rows(samples: Samples) -> None:
    """Its gradients of a few are larger."""
    point = drawn(torch.float64)
    point["up"] = torch.ones((), dtype=torch.float64)
    found = gradient(lambda x: functional.silu(x).mean())(point)["inputs[0]"]
    rows = judged(point, found * (1 + 2**-52), lambda x: functional.silu(x).mean())
    assert rows is not None
    assert rows["inputs[0]"].agrees
    assert samples


def test_numbers_are_rows_where_all_inputs_are_of_one_shape_or_one_number() -> None:
    """A gain of each column is neither; what is of another shape, as a loss, belongs to no row."""
    x = torch.zeros(SHAPE)
    [first, *_] = choices_of_rows({"inputs[0]": x, "inputs[1]": torch.ones(())}, {"inputs[0]": x})
    assert first.shape == SHAPE
    gained = choices_of_rows({"inputs[0]": x, "inputs[1]": x[0]}, {"inputs[0]": x})
    assert not any(each.shape for each in gained)
    assert not any(each.shape for each in choices_of_rows({"inputs[0]": x}, {"outputs[0]": x[0, 0]}))
