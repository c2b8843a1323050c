"""Triangles are merged as their observations are: in any pieces and any order, their bound hardly growing."""

import itertools
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from exact_triangles import beyond_the_bound, exact, flat
from lessons_seven import seven_only
from manual_backprop import lesson
from manual_backprop.fast import triangle
from manual_backprop.fast.triangle import Triangle, from_data, merge
from manual_backprop.fast.triangle_descent import rounding
from ordinary_network import ordinary_network
from strategies import Case, cases

pytestmark = seven_only


@pytest.mark.medium
@given(case=cases(max_n=12, batches=False), data=st.data(), leaf=st.sampled_from([8, 256]))
def test_chunks_of_any_size_give_what_the_whole_gives(case: Case, data: st.DataObject, leaf: int) -> None:
    """Within the bound of rational arithmetic, however the observations are cut, bracketed and ordered.

    With leaves of 8 rows, 12 observations are a tree of factorisations.
    """
    n = case.inputs.numel()
    cuts = sorted(data.draw(st.sets(st.integers(1, n), max_size=n), label="cuts") | {0, n})
    truth = exact(*case)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triangle, "LEAF", leaf)
        patch.setattr(triangle, "BLOCK", leaf + 2)
        pieces = [
            from_data(case.parameters, case.inputs[a:b], case.observed[a:b])
            for a, b in itertools.pairwise(cuts)
        ]
        whole = merge(pieces)
        middle = data.draw(st.integers(1, len(pieces)), label="bracket")
        left_first = merge([merge(pieces[:middle]), *pieces[middle:]])
        shuffled = merge(data.draw(st.permutations(pieces), label="order"))
        assert torch.equal(merge(pieces).rows, whole.rows)
    for one in (from_data(*case), whole, left_first, shuffled):
        assert one.observations == n
        assert one.rows.shape == (4, 4)
        assert beyond_the_bound(one, case.parameters, truth) == []


def test_the_bound_grows_with_the_logarithm_of_the_number_of_triangles() -> None:
    """4097 triangles are three levels of 64: their SSR is 4097 times one's, and the bound hardly larger."""
    parameters = lesson.start()
    one = from_data(parameters, *lesson.data())
    many = merge(one for _ in range(64 * 64 + 1))
    assert many.observations == 3 * 4097
    assert many.roundings <= one.roundings + 3 * (24 * 256 + 284)
    # One leaf of n rows, a tree of two levels, and a stack of two triangles: as docs/scale.md counts them.
    assert [triangle.roundings_of(rows) for rows in (4, 256)] == [380, 6428]
    assert one.roundings == 380
    assert merge([one, one]).roundings == 380 + triangle.roundings_of(8)
    assert triangle.factorised(torch.ones(257, 4).double())[1] == 6428 + triangle.roundings_of(8)
    assert triangle.factorised(torch.ones(256, 4).double())[1] == 6428
    # Two levels below the last: 16385 rows are 65 leaves, whose 260 rows are two.
    assert triangle.factorised(torch.ones(256 * 64 + 1, 4).double())[1] == 2 * 6428 + triangle.roundings_of(8)
    # 64 triangles are one stack, which two more make into one of three.
    assert merge([one] * 64).roundings == 380 + 6428
    assert merge([one] * 66).roundings == 380 + 6428 + triangle.roundings_of(12)
    truth = {name: 4097 * value for name, value in exact(parameters, *lesson.data()).items()}
    assert beyond_the_bound(many, parameters, truth) == []


def test_a_batch_is_merged_and_factorised_network_by_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """In blocks of 100 and leaves of 8: a tree in each, and nothing of one network in another."""
    monkeypatch.setattr(triangle, "LEAF", 8)
    monkeypatch.setattr(triangle, "BLOCK", 100)
    inputs, observed = torch.randn(2, 3, 250, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    together = from_data(lesson.start(), inputs, observed)
    assert together.rows.shape == (3, 4, 4)
    assert together.observations == 250
    bounds = flat(rounding(together, lesson.start()))
    for row, (rows, *data) in enumerate(zip(together.rows, inputs, observed, strict=True)):
        one = Triangle(together.hidden, rows, together.roundings, 250)
        assert beyond_the_bound(one, lesson.start(), exact(lesson.start(), *data)) == []
        for name, bound in flat(rounding(one, lesson.start())).items():
            assert bounds[name][row].item() == pytest.approx(bound.item(), rel=26 * 2**-53), name


@pytest.mark.parametrize(
    ("mistake", "wrong"),
    [
        ("added, not stacked", lambda rows: rows[:4] + rows[4:]),
        ("the second for both", lambda rows: rows[4:]),
    ],
)
def test_a_planted_mistake_in_the_merge_is_seen(mistake: str, wrong: Callable[[Tensor], Tensor]) -> None:
    """Of two triangles, one above the other, something else than their QR."""
    parameters, inputs, observed = ordinary_network()
    halves = [from_data(parameters, inputs[a], observed[a]) for a in (slice(0, 2), slice(2, None))]
    merged = merge(halves)
    truth = exact(parameters, inputs, observed)
    assert beyond_the_bound(merged, parameters, truth) == []
    rows = wrong(torch.cat([half.rows for half in halves]))
    assert beyond_the_bound(Triangle(merged.hidden, rows, merged.roundings, 5), parameters, truth)
