"""How many draws a verdict takes: one where all is within its bound, and no more than make it certain."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from torch_reference import Verdict
from torch_reference.comparison import Row
from torch_reference.judging import judgement
from torch_reference.judging.scalar_objective import FunctionObjective
from torch_reference.tolerance.sensitivity import DRAWS

BOUND = 2.0**-40
Bounds = Callable[[int], float]


def judged(monkeypatch: pytest.MonkeyPatch, ratio: float, bound: Bounds, *fewest: int) -> tuple[int, Verdict]:
    """The number of draws and the verdict on a gradient of 1 that is off by a ratio to BOUND."""
    draws, row = drawn(monkeypatch, ratio, bound, *fewest)
    return draws, row.verdict


def drawn(monkeypatch: pytest.MonkeyPatch, ratio: float, bound: Bounds, *fewest: int) -> tuple[int, Row]:
    """The number of draws and the row."""
    made: list[int] = []

    def draws(*_: object, **__: object) -> Iterator[tuple[dict[str, Tensor], dict[str, Tensor]]]:
        for draw in range(1, DRAWS + 1):
            made.append(draw)
            yield {"inputs[0]": torch.ones(1).double()}, {"inputs[0]": torch.tensor([bound(draw)]).double()}

    monkeypatch.setattr(judgement, "growing_bounds", draws)
    x = torch.ones(1, dtype=torch.float64)
    point = {"inputs[0]": x, "d_loss_d_outputs[0]": x}
    manual = {"inputs[0]": x + ratio * BOUND}
    rows = judgement.judge(
        manual, FunctionObjective(lambda x: x * 1), point, {"inputs[0]": (1,)}, (), *fewest
    )
    return len(made), rows["inputs[0]"]


# With d draws a ratio is certain above 6.4 · 1e12^(1 / d): 6.4e12, 6.4e6, 6.4e4, 6400, ….
CONSTANT = {
    "right": (0.5, 4, (1, Verdict.AGREES)),
    "at its bound": (1.0, 4, (1, Verdict.AGREES)),
    "far off": (1e11, 4, (4, Verdict.DIFFERS)),
    "far off, and the bound does not matter": (1e11, 1, (2, Verdict.DIFFERS)),
    "a little above what three draws make certain": (6.5e4, 1, (3, Verdict.DIFFERS)),
    "a little below": (6.3e4, 1, (4, Verdict.DIFFERS)),
    "a little above what four draws make certain": (6.5e3, 4, (4, Verdict.DIFFERS)),
    "never certain": (30.0, 4, (DRAWS, Verdict.DIFFERS)),
}


@pytest.mark.parametrize(("ratio", "fewest", "expected"), CONSTANT.values(), ids=CONSTANT)
def test_draws_are_made_until_the_verdict_is_certain(
    ratio: float, fewest: int, expected: tuple[int, Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound stays where it is: the rule is that of _is_open's docstring."""
    assert judged(monkeypatch, ratio, lambda draw: BOUND, fewest) == expected


def test_a_bound_that_grows_over_a_difference_ends_the_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """A right derivation whose first draws happened to move next to nothing is no false alarm."""
    assert judged(monkeypatch, 20.0, lambda draw: 3 * draw * BOUND, 4) == (7, Verdict.AGREES)


def test_a_verdict_takes_four_draws_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the bound that is shown means something; one where nobody reads it."""
    assert judged(monkeypatch, 1e11, lambda draw: BOUND)[0] == 4
    for fewest in (1, 2, 4, 6):
        assert judged(monkeypatch, 1e11, lambda draw: BOUND, fewest)[0] == max(fewest, 2)


@pytest.mark.parametrize(("bound", "remark"), [(0.45, ""), (0.5, ""), (0.55, judgement.BLUNT)])
def test_an_agreement_within_more_than_half_of_the_gradient_is_remarked(
    bound: float, remark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gradient is 1; where it differs the row speaks for itself."""
    assert drawn(monkeypatch, 0.0, lambda draw: bound)[1].explanation == remark
    assert drawn(monkeypatch, 2.0**42, lambda draw: bound)[1].explanation == ""


def test_a_difference_from_zero_is_counted_in_the_smallest_numbers() -> None:
    """A reference of 0 has no roundings of its own."""
    row = Row("x", Verdict.DIFFERS, 1e-310, 0.0, 1e-310, 0.0)
    assert judgement.roundings(row, torch.float64) == pytest.approx(1e-310 / 5e-324)
    assert judgement.roundings(Row("x", Verdict.MISSING), torch.float64) is None
