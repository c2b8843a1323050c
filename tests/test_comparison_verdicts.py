"""Every verdict of the comparison, its worst element, and that it never broadcasts."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from torch_reference import Row, Verdict, compare


def tensor(*values: float) -> Tensor:
    """A float64 tensor."""
    return torch.tensor(values, dtype=torch.float64)


def compare_one(manual: Tensor, reference: Tensor, bound: Tensor) -> Row:
    """The row of a single name."""
    [row] = compare({"w3": manual}, {"w3": reference}, {"w3": bound})
    return row


def test_a_difference_of_exactly_the_bound_agrees_and_one_rounding_more_differs() -> None:
    """The bound itself is allowed, and nothing beyond."""
    assert compare_one(tensor(1.5), tensor(1.0), tensor(0.5)).verdict is Verdict.AGREES
    beyond = math.nextafter(1.5, 2)
    assert compare_one(tensor(beyond), tensor(1.0), tensor(0.5)).verdict is Verdict.DIFFERS


def test_a_bound_of_zero_asks_for_equality() -> None:
    """A link that is an input itself has no rounding: its neighbour is wrong."""
    assert compare_one(tensor(2.0), tensor(2.0), tensor(0.0)).ratio == 0
    row = compare_one(tensor(5e-324), tensor(0.0), tensor(0.0))
    assert (row.verdict, row.ratio) == (Verdict.DIFFERS, math.inf)


def test_the_row_shows_the_worst_element_by_its_own_bound() -> None:
    """Not the largest difference but the largest difference per bound is shown, with index and counts."""
    row = compare_one(tensor(1.0, 7.0, 3.5), tensor(1.0, 5.0, 3.0), tensor(1.0, 1.5, 0.1))
    assert row == Row(
        "w3",
        Verdict.DIFFERS,
        manual=3.5,
        reference=3.0,
        difference=0.5,
        bound=0.1,
        ratio=5.0,
        index=(2,),
        wrong_elements=2,
        elements=3,
    )


@pytest.mark.parametrize(
    ("manual", "reference"),
    [((1,), ()), ((), (1,)), ((3, 1), (3,)), ((1, 3), (3,)), ((3,), (1,)), ((0,), (1,)), ((2, 3), (3, 2))],
)
def test_a_wrong_shape_is_a_verdict_and_never_broadcasts(manual: tuple, reference: tuple) -> None:
    """All values are equal, so that a comparison that broadcasts would call them exact."""
    row = compare_one(
        torch.ones(manual, dtype=torch.float64),
        torch.ones(reference, dtype=torch.float64),
        torch.ones(reference, dtype=torch.float64),
    )
    assert (row.name, row.verdict) == ("w3", Verdict.WRONG_SHAPE)
    assert row.explanation == f"expected {reference}, found {manual}"


def test_a_wrong_dtype_is_a_verdict() -> None:
    """A float32 result beside a float64 reference is refused although every value is equal."""
    row = compare_one(tensor(1.0).float(), tensor(1.0), tensor(1.0))
    assert row.verdict is Verdict.WRONG_DTYPE
    assert row.explanation == "expected torch.float64, found torch.float32"


def test_a_wrong_device_is_a_verdict() -> None:
    """The meta device stands for any device that this machine may not have."""
    row = compare_one(tensor(1.0).to("meta"), tensor(1.0), tensor(1.0))
    assert row.verdict is Verdict.WRONG_DEVICE
    assert row.explanation == "expected cpu, found meta"


def test_missing_and_extra_names_are_verdicts_in_the_references_order() -> None:
    """A forgotten derivative and an invented one each get a row."""
    rows = compare(
        {"w3": tensor(1.0), "w5": tensor(1.0)}, {"b3": tensor(1.0), "w3": tensor(1.0)}, {"w3": tensor(0.0)}
    )
    assert [(row.name, row.verdict) for row in rows] == [
        ("b3", Verdict.MISSING),
        ("w3", Verdict.AGREES),
        ("w5", Verdict.EXTRA),
    ]
    assert rows[0].explanation == "the manual side has no such name"
    assert rows[2].explanation == "the reference has no such name"
    assert not rows[0].agrees
    assert not rows[2].agrees


def test_a_nan_where_the_reference_has_a_number_is_a_mismatch() -> None:
    """Whatever the bound."""
    row = compare_one(tensor(1.0, math.nan), tensor(1.0, 1.0), tensor(1.0, math.inf))
    assert (row.verdict, row.index, row.wrong_elements) == (Verdict.NAN, (1,), 1)


@pytest.mark.parametrize("manual", [1.0, math.inf, math.nan])
@pytest.mark.parametrize("bound", [1.0, math.inf])
def test_beside_a_nan_of_the_reference_nothing_differs_and_nothing_agrees(
    manual: float, bound: float
) -> None:
    """Nothing was compared; what differs elsewhere is told first."""
    row = compare_one(tensor(1.0, manual), tensor(1.0, math.nan), tensor(1.0, bound))
    assert (row.verdict, row.index, row.wrong_elements) == (Verdict.INCONCLUSIVE, (1,), 1)
    assert row.explanation.startswith("the reference is no number there")
    row = compare_one(tensor(3.0, manual), tensor(1.0, math.nan), tensor(1.0, bound))
    assert (row.verdict, row.index) == (Verdict.DIFFERS, (0,))


@pytest.mark.parametrize(("manual", "reference"), [(math.inf, 1.0), (1.0, -math.inf), (math.inf, -math.inf)])
def test_an_infinity_on_one_side_is_a_mismatch(manual: float, reference: float) -> None:
    """Whatever the bound."""
    row = compare_one(tensor(manual, 1.0), tensor(reference, 1.0), tensor(math.inf, 1.0))
    assert (row.verdict, row.index, row.wrong_elements) == (Verdict.INFINITE, (0,), 1)


def test_the_same_infinity_on_both_sides_agrees() -> None:
    """Both overflowed at the same place in the same direction."""
    row = compare_one(tensor(math.inf), tensor(math.inf), tensor(math.inf))
    assert (row.verdict, row.difference, row.ratio) == (Verdict.AGREES, 0.0, 0.0)


@pytest.mark.parametrize("bound", [math.nan, math.inf])
def test_a_bound_that_is_no_number_is_no_agreement(bound: float) -> None:
    """An infinite bound would pass anything."""
    row = compare_one(tensor(1.0, 1.0, 2.0), tensor(1.0, 2.0, 2.0), tensor(0.1, bound, 0.1))
    assert (row.verdict, row.index, row.wrong_elements) == (Verdict.NO_BOUND, (1,), 1)


def test_a_missing_bound_is_no_agreement() -> None:
    """Nor is one of another shape: a bound does not broadcast either."""
    [row] = compare({"w3": tensor(1.0)}, {"w3": tensor(1.0)}, {})
    assert (row.name, row.verdict, row.explanation) == (
        "w3",
        Verdict.NO_BOUND,
        "expected a bound of shape (1,), found none",
    )
    row = compare_one(tensor(1.0), tensor(1.0), torch.tensor(1.0))
    assert row.explanation == "expected a bound of shape (1,), found one of shape ()"


def test_graver_verdicts_come_first() -> None:
    """NaN before infinity before a missing bound before a difference; all wrong elements are counted."""
    manual = tensor(2.0, 1.0, math.inf, math.nan)
    reference, bound = tensor(1.0, 2.0, 1.0, 1.0), tensor(0.1, math.inf, 1.0, 1.0)
    verdicts = [compare_one(manual[:end], reference[:end], bound[:end]).verdict for end in (1, 2, 3, 4)]
    assert verdicts == [Verdict.DIFFERS, Verdict.NO_BOUND, Verdict.INFINITE, Verdict.NAN]
    assert compare_one(manual, reference, bound).wrong_elements == 4


def test_an_empty_tensor_agrees_with_an_empty_tensor() -> None:
    """There is nothing to disagree about."""
    row = compare_one(tensor(), tensor(), tensor())
    assert (row.name, row.agrees, row.elements) == ("w3", True, 0)


def test_the_difference_of_float32_numbers_is_not_rounded_and_does_not_overflow() -> None:
    """3e38 and −3e38 differ by 6e38, which float32 cannot hold."""
    huge = torch.tensor([3e38])
    row = compare_one(huge, -huge, torch.tensor([1e39], dtype=torch.float64))
    assert (row.verdict, row.difference) == (Verdict.AGREES, 2 * huge.double().item())


@given(
    values=st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=5),
    place=st.integers(0, 4),
    factor=st.floats(1.001, 1e9),
)
def test_one_element_beyond_its_bound_is_always_found(values: list[float], place: int, factor: float) -> None:
    """Wherever it stands, one wrong element makes the row differ and is the one that is shown."""
    reference = tensor(*values)
    bound = reference.abs() * 1e-12 + 1e-12
    place %= len(values)
    manual = reference.clone()
    manual[place] += factor * bound[place] * 1.001
    row = compare_one(manual, reference, bound)
    assert (row.verdict, row.index, row.wrong_elements) == (Verdict.DIFFERS, (place,), 1)
