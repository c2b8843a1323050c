"""In 16 bits, a mistake in one of many terms: no constant explains it, though rounding does."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from torch_reference import check_function
from torch_reference.tolerance.movement import Movement
from torch_reference.tolerance.own_code.approximations import is_everywhere, looks_like_roundings
from torch_reference.tolerance.second_look import sizes_of_terms

check = partial(check_function, ways=[], order=1, draws=0)


def randn(*shape: int, seed: int = 0) -> Tensor:
    """Drawn in float64, for bfloat16."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).bfloat16()


def normed(rows: Tensor, gain: Tensor) -> Tensor:
    """A weight of rows of unit length, times a gain for each."""
    return gain * rows / rows.norm(dim=1, keepdim=True)


def derivation(last: float = 1.0, gains: float = 1.0, one: float = 1.0) -> tuple[Any, Any]:
    """Its gradients, in float32 inside; factors spoil the last term of each gain, all gains, or one."""

    def forward(rows: Tensor, gain: Tensor) -> tuple[Tensor, Any]:
        wide = rows.float()
        return (gain.float() * wide / wide.norm(dim=1, keepdim=True)).to(rows.dtype), (rows, gain)

    def backward(saved: Any, above: Tensor) -> tuple[Tensor, Tensor]:
        rows, gain, d = (each.float() for each in (*saved, above))
        size = rows.norm(dim=1, keepdim=True)
        along = (d * rows).sum(1, keepdim=True) / size
        d_rows = gain / size * (d - rows * along / size)
        terms = d * rows / size
        terms[:, -1] *= last
        d_gain = gains * terms.sum(1, keepdim=True)
        d_gain[3] *= one
        return d_rows.to(saved[0].dtype), d_gain.to(saved[1].dtype)

    return forward, backward


def verdict(columns: int, **factors: float) -> str:
    """What is said of the gains."""
    point = randn(32, columns), randn(32, 1, seed=1)
    return check(derivation(**factors), normed, *point).findings[2].row.verdict.value


@pytest.mark.parametrize("columns", [64, 512])
def test_the_last_of_many_terms_is_off(columns: int) -> None:
    """By a tenth: where it is less than two roundings of what is added up, nothing is claimed."""
    assert verdict(columns) == "agrees"
    assert verdict(columns, last=1.1) == {64: "differs", 512: "inconclusive"}[columns]


@pytest.mark.medium
def test_a_constant_is_off_everywhere() -> None:
    """One of 16 bits, for each gain alike, is a rounding; a tenth of one small gain is none."""
    assert verdict(64, gains=1.003) == "agrees"
    assert verdict(64, gains=1.01) == "differs"
    assert verdict(64, one=1.1) != "agrees"


def test_terms_are_no_larger_for_their_number() -> None:
    """Of equal ones their sum, of random ones the root of their squares' sum; of a constant, the sum."""

    def summed(point: dict[str, Tensor]) -> dict[str, Tensor]:
        x = torch.zeros(len(point["terms"]), 1, dtype=torch.float64, requires_grad=True)
        return {"x": torch.autograd.grad(x.expand_as(point["terms"]), x, point["terms"])[0]}

    terms = torch.stack([torch.ones(400), torch.ones(400).index_fill_(0, torch.arange(200), -1.0)]).double()
    movement = Movement(summed, {"terms": terms})  # type: ignore[arg-type]
    alike, cancelling = sizes_of_terms(movement, "x").flatten().tolist()
    assert 200 < alike < 1200
    assert 10 < cancelling < 60
    assert sizes_of_terms(movement, "x", of_constants=True)[1].item() == 0


draws = torch.Generator().manual_seed(0)
EXPECTED = -1 - torch.rand(64, dtype=torch.float64, generator=draws)
"""All of one sign, of which the largest size is no largest number."""
SIGNS = torch.ones(64, dtype=torch.float64)
SIGNS[::2] = -1
PART = 2.0**-9


@pytest.mark.parametrize(
    ("off", "expected", "are_roundings"),
    [
        pytest.param(PART * EXPECTED * SIGNS, EXPECTED, True, id="off at random"),
        pytest.param(PART * EXPECTED, EXPECTED, False, id="a factor"),
        pytest.param(-PART * EXPECTED, EXPECTED, False, id="a factor below 1"),
        pytest.param(PART * SIGNS * (torch.arange(64) < 30), EXPECTED, False, id="in less than half of them"),
        pytest.param(PART * SIGNS * (torch.arange(64) < 34), EXPECTED, True, id="in more than half of them"),
        pytest.param(2.0**-21 * EXPECTED * SIGNS, EXPECTED, False, id="by next to nothing"),
        pytest.param(PART * SIGNS[:15], EXPECTED[:15], False, id="of few elements"),
        pytest.param(PART * SIGNS[:16], EXPECTED[:16], True, id="of sixteen"),
        pytest.param(PART * SIGNS, 0 * EXPECTED, False, id="where there is nothing to round"),
    ],
)
def test_what_is_off_by_roundings(off: Tensor, expected: Tensor, are_roundings: bool) -> None:
    assert looks_like_roundings(off, expected) is are_roundings


def test_most_is_more_than_half() -> None:
    off = torch.tensor([2.0, -2.0, 1.0, 1.0])
    assert not is_everywhere(off, torch.ones(4))
    assert is_everywhere(off, torch.tensor([1.0, 1.0, 0.5, 1.0]))
