"""The roundings of code explain what cancels whether or not some of its numbers lie at a kink or a tie."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from torch_reference import check_function


def _verdict(pair: tuple[Callable, Callable], reference: Callable, x: Tensor) -> str:
    findings = check_function(pair, reference, x, ways=[], order=1, redraw=False).findings
    return str(next(one.row.verdict for one in findings if one.name == "inputs[0]"))


@pytest.mark.medium
@pytest.mark.parametrize("number", [600, 2**15 + 600])
@pytest.mark.parametrize("at_a_kink", [[], [3.0, -3.0]], ids=["no kink", "kinks"])
def test_equal_numbers_lose_digits_alike_beside_kinks_too(at_a_kink: list[float], number: int) -> None:
    """The slope x / 3 + 1 / 2 is off alike in equal numbers, which adds up as no independent errors do."""
    rest = torch.tensor([-1.25, -1.75, -1.0, -0.5]).repeat(number // 4)
    x = torch.cat([torch.tensor(at_a_kink), rest])[:number].bfloat16()

    def backward(x: Tensor, d_y: Tensor) -> Tensor:
        return d_y * torch.where((x >= -3) & (x <= 3), x / 3 + 0.5, (x > 3).to(x.dtype))

    assert _verdict((lambda x: (F.hardswish(x), x), backward), F.hardswish, x) == "loses digits"


@pytest.mark.medium
@pytest.mark.parametrize(("share", "verdict"), [(1.0, "agrees"), (1.001, "differs")])
def test_roundings_explain_no_share_of_equals(share: float, verdict: str) -> None:
    """1 - y cancels at every number, which roundings explain; equals share a thousandth too much besides."""
    x = torch.tensor([[1.0, 1.0, 0.9, 1.0], [0.8, 0.9, 0.9, 0.7]], dtype=torch.float64)

    def reference(x: Tensor) -> Tensor:
        return x.amax(-1) + torch.sigmoid(20 * x).sum(-1)

    def backward(x: Tensor, d_z: Tensor) -> Tensor:
        y, equals = torch.sigmoid(20 * x), (x == x.amax(-1, keepdim=True)).to(x.dtype)
        last = equals * (equals.flip(-1).cumsum(-1).flip(-1) == 1)
        return d_z[:, None] * (share * last + 20 * y * (1 - y))

    assert _verdict((lambda x: (reference(x), x), backward), reference, x) == verdict
