"""Points at which nothing is left but roundings: rows of equal numbers, one column, two columns."""

from typing import Any

import pytest
import torch
from torch import Tensor

from torch_reference import check_function
from torch_reference.tolerance.movement import Movement

WAYS = ["equal values", "columns"]


def layer_norm(x: Tensor, gain: Tensor, offset: Tensor) -> Tensor:
    return torch.nn.functional.layer_norm(x, x.shape[-1:], gain, offset)


def forward(x: Tensor, gain: Tensor, offset: Tensor) -> tuple[Tensor, Any]:
    deviation = x - x.mean(-1, keepdim=True)
    inverse = (deviation.square().mean(-1, keepdim=True) + 1e-5).rsqrt()
    return deviation * inverse * gain + offset, (deviation * inverse, inverse, gain)


def backward(saved: Any, d_y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    normal, inverse, gain = saved
    d_h = d_y * gain
    d_x = (d_h - d_h.mean(-1, keepdim=True) - normal * (d_h * normal).mean(-1, keepdim=True)) * inverse
    return d_x, (d_y * normal).sum(0), d_y.sum(0)


def arguments(dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(shape, generator=generator, dtype=dtype) for shape in ((8, 64), (64,), (64,)))


def test_what_is_right_but_for_roundings_is_seen_to_be_without_a_draw(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A draw there costs as much as ten evaluations."""
    draws = list[int]()
    draw = Movement.draw
    monkeypatch.setattr(Movement, "draw", lambda self, seed: (draws.append(seed), draw(self, seed)))
    made = []
    for ways in ([], WAYS):
        draws.clear()
        assert check_function((forward, backward), layer_norm, *arguments(torch.float64), ways=ways, order=1)
        made.append(len(draws))
    assert made[0] == made[1] > 0


def centred(x: Tensor) -> tuple[Tensor, Tensor]:
    deviation = x - x.mean(-1, keepdim=True)
    return deviation.clone(), deviation


@pytest.mark.medium
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("digits", "is_seen"), [(0.25, True), (0.7, False)])
def test_what_is_off_there_is_seen_from_half_of_its_digits_on(
    dtype: torch.dtype, way: str, digits: float, is_seen: bool
) -> None:
    """Of the largest gradient as the function was given: what is off there by more is refused."""
    off = torch.finfo(dtype).eps ** digits

    def wrong(deviation: Tensor, d_y: Tensor) -> Tensor:
        is_there = deviation.abs().amax() < 1e-5 if way == "equal values" else d_y.shape[1] == 2
        return d_y - d_y.mean(-1, keepdim=True) + off * is_there

    x, *_ = arguments(dtype)
    report = check_function((centred, wrong), lambda x: centred(x)[0], x, ways=[way], order=1)
    assert dict(report.ways)[way] == ("fails" if is_seen else "agrees"), report


@pytest.mark.medium
def test_what_is_zero_there_and_grows_with_the_distance_is_at_no_kink() -> None:
    """As a gain's gradient: one that is another at equal numbers is wrong, and not a matter of sides."""

    def wrong(saved: Any, d_y: Tensor) -> tuple[Tensor, ...]:
        d_x, d_gain, d_offset = backward(saved, d_y)
        is_there = saved[0].abs().amax() < 1e-5
        return d_x, d_gain + 0.01 * d_y.sum(0) * is_there, d_offset

    given = arguments(torch.float64)
    report = check_function((forward, wrong), layer_norm, *given, ways=["equal values"], order=1)
    assert report.ways == (("equal values", "fails"),), report
