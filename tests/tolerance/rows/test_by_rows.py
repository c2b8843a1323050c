"""A large point is judged a few rows at a time where that is the same, and else not so."""

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference import Row, Verdict
from torch_reference.tolerance.movement import Movement
from torch_reference.tolerance.rows import judgement, part
from torch_reference.tolerance.rows.by_rows import rows_by_parts
from torch_reference.tolerance.rows.placing import some
from torch_reference.tolerance.rows.whole import Allowed, Rows

ROWS, COLUMNS = 40, 16
Inputs = Mapping[str, Tensor]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of eight rows or so, of inputs and upstream gradients of eight bytes."""
    monkeypatch.setattr(judgement, "PART", 2 * 8 * COLUMNS * 8)


def gradients(function: Callable[..., Tensor], *names: str) -> Callable[[Inputs], dict[str, Tensor]]:
    """Autograd's gradients of a function of these, whose upstream gradient the point holds."""

    def reference(values: Inputs) -> dict[str, Tensor]:
        leaves = {name: values[name].detach().requires_grad_() for name in names}
        found = torch.autograd.grad(function(values, **leaves), list(leaves.values()), values["up"])
        return dict(zip(names, found, strict=True))

    return reference


def drawn(dtype: torch.dtype) -> dict[str, Tensor]:
    """Rows, a gain for each column, a class for each row, an upstream gradient."""
    generator = torch.Generator().manual_seed(0)
    x, up = torch.randn(2, ROWS, COLUMNS, generator=generator, dtype=torch.float64)
    gain = 1 + torch.randn(COLUMNS, generator=generator, dtype=torch.float64)
    classes = torch.randint(COLUMNS, (ROWS,), generator=generator)
    return {"x": x.to(dtype), "gain": gain.to(dtype), "classes": classes, "up": up.to(dtype)}


NORM = gradients(lambda _, x, gain: functional.layer_norm(x, (COLUMNS,), gain), "x", "gain")
LOSS = gradients(lambda values, x: functional.cross_entropy(x, values["classes"]), "x")


def judged(
    reference: Callable[[Inputs], dict[str, Tensor]], point: Inputs, actual: Inputs
) -> dict[str, Row] | None:
    """The rows, x and what else has so many rows being cut."""
    cut = [name for name, value in point.items() if value.shape[:1] == (ROWS,)]
    choices = lambda: iter([Rows(cut, [name for name in actual if name == "x"], ROWS)])  # noqa: E731
    return rows_by_parts(reference, point, choices, actual, Allowed())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_is_right_agrees_part_by_part(dtype: torch.dtype) -> None:
    """A gain's gradient is the sum over the parts, that of a mean of losses is weighted."""
    point = drawn(dtype)
    rows = judged(NORM, point, NORM(point))
    assert rows is not None
    assert all(row.agrees for row in rows.values())
    assert rows["x"].elements == ROWS * COLUMNS
    point = {name: point[name] for name in ("x", "classes")} | {"up": torch.tensor(1.5, dtype=dtype)}
    rows = judged(LOSS, point, LOSS(point))
    assert rows is not None
    assert rows["x"].agrees


def one_element(d_x: Tensor) -> Tensor:
    """One of 640 is off by a thousandth."""
    d_x[21, 3] *= 1.001
    return d_x


def one_row(d_x: Tensor) -> Tensor:
    """One row is its neighbour's."""
    d_x[21] = d_x[20]
    return d_x


@pytest.mark.medium
@pytest.mark.parametrize(
    ("edit", "wrong"), [(one_element, 1), (one_row, COLUMNS), (torch.neg, ROWS * COLUMNS)]
)
def test_a_wrong_element_is_found_at_its_place_in_the_whole(
    edit: Callable[[Tensor], Tensor], wrong: int
) -> None:
    """With the numbers of all elements, and of those that are wrong."""
    point = drawn(torch.float32)
    found = NORM(point)
    rows = judged(NORM, point, {**found, "x": edit(found["x"].clone())})
    assert rows is not None
    assert rows["x"].verdict is Verdict.DIFFERS
    assert (rows["x"].wrong_elements, rows["x"].elements) == (wrong, ROWS * COLUMNS)
    assert wrong == ROWS * COLUMNS or rows["x"].index[0] == 21
    assert rows["gain"].agrees


@pytest.mark.medium
def test_an_element_that_is_far_off_takes_few_draws() -> None:
    """More of them would tell nothing more of which elements are wrong."""
    runs, point = list[None](), drawn(torch.float32)

    def counted(values: Inputs) -> dict[str, Tensor]:
        runs.append(None)
        return NORM(values)

    found = NORM(point)
    found["x"][21, 3] *= 2
    rows = judged(counted, point, found)
    assert rows is not None
    assert (rows["x"].wrong_elements, rows["x"].index) == (1, (21, 3))
    assert len(runs) < 48


@pytest.mark.medium
def test_where_each_row_is_wrong_none_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """One element of each, as where a column is: the first rows tell it of the others."""
    looks, rows_left = list[None](), part.rows_left
    monkeypatch.setattr(part, "rows_left", lambda *given: looks.append(None) or rows_left(*given))
    point = drawn(torch.float32)
    found = NORM(point)
    found["x"][:, 3] *= 1.01
    rows = judged(NORM, point, found)
    assert rows is not None
    assert (rows["x"].wrong_elements, rows["gain"].agrees) == (ROWS, True)
    assert len(looks) <= 3


def test_a_sum_over_the_parts_that_is_far_off_is_wrong() -> None:
    """What belongs to no row is judged with the parts' movements."""
    point = drawn(torch.float32)
    found = NORM(point)
    rows = judged(NORM, point, {**found, "gain": 1.1 * found["gain"]})
    assert rows is not None
    assert rows["gain"].verdict is Verdict.DIFFERS
    assert rows["x"].agrees


def test_what_is_no_matter_of_rows_is_left_to_the_whole() -> None:
    """A wrong gradient of a gain, a function whose rows look at each other, 16 bits."""
    point = drawn(torch.float32)
    found = NORM(point)
    assert judged(NORM, point, {**found, "gain": (1 + 1e-5) * found["gain"]}) is None
    attention = gradients(lambda _, x: torch.softmax(x @ x.T, -1) @ x, "x")
    assert judged(attention, point, attention(point)) is None
    half = {name: value.half() if value.is_floating_point() else value for name, value in point.items()}
    assert judged(NORM, half, NORM(half)) is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_pair_of_draws_moves_as_far_as_two(dtype: torch.dtype) -> None:
    """The sum and the difference of two halves have the mean square of draws that move all at once."""
    for reference, name in ((NORM, "x"), (NORM, "gain"), (LOSS, "x")):
        point, of_both = drawn(dtype), []
        point["up"] = point["up"].sum() if reference is LOSS else point["up"]
        for draw in ("at_least_a_pair", "at_least"):
            movement = Movement(reference, point)
            movement.squares = {name: torch.zeros_like(movement.expected[name])}
            getattr(movement, draw)(2 if draw == "at_least_a_pair" else 12)
            of_both.append(float(movement.squares[name].sum()) / movement.draws)
            assert (movement.moved[name] > 0).double().mean() > 0.99
        assert 0.6 < of_both[0] / of_both[1] < 1.6


def test_what_is_known_of_a_last_rounding_is_so() -> None:
    """A product is rounded last, and not where something that is exact follows, or where it is doubled."""
    x = torch.randn(4, 4, dtype=torch.float64)
    for last, is_rounded in (
        (lambda y: y, True),
        (lambda y: y.t(), False),
        (lambda y: y.clone(), False),
        (lambda y: 2 * y, False),
        (lambda y: y.relu(), False),
        (lambda y: torch.softmax(y, -1), True),
        (lambda y: y.exp().mul_(3), True),
        (lambda y: y.index_fill(0, torch.tensor([1]), 1.0), False),
    ):
        movement = Movement(lambda values, last=last: {"y": last(values["x"] * values["x"] / 3)}, {"x": x})
        movement.at_least_a_pair(2)
        assert movement.ends_rounded["y"] is is_rounded


def test_some_rows_are_those_of_their_numbers() -> None:
    """Whether they follow each other, are taken twice, or none is."""
    value = torch.arange(8).view(4, 2)
    for here in ([1, 2, 3], [0, 0, 2], [3], []):
        assert some(value, torch.tensor(here, dtype=torch.int64)).tolist() == [
            value[n].tolist() for n in here
        ]
