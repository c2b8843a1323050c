"""A gradient in 16 bits loses digits whether or not some element lies at a kink inside of a kernel."""

from collections.abc import Mapping

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from torch_reference import check_function
from torch_reference.tolerance.kinks import hulls
from torch_reference.tolerance.kinks.sides import sides
from torch_reference.tolerance.movement import Movement


def _hard_swish(upstream: Tensor, x: Tensor, in_float32: bool) -> Tensor:
    """As timm has it: x / 3 + 1 / 2 cancels beside -3 / 2, where PyTorch's kernel computes in float32."""
    x, upstream = (x.float(), upstream.float()) if in_float32 else (x, upstream)
    slope = torch.where((x >= -3) & (x <= 3), x / 3 + 0.5, (x > 3).to(x.dtype))
    return upstream * slope


@pytest.mark.medium
@pytest.mark.parametrize("measured", [None, hulls.AT_LEAST], ids=["small", "as of a large point"])
@pytest.mark.parametrize("at_a_kink", [[], [3.0, -3.0]], ids=["no kink", "kinks"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_what_cancels_in_16_bits_loses_digits_beside_kinks_too(
    dtype: torch.dtype, at_a_kink: list[float], measured: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a large point few sides are measured; some of what turns inside of a kernel must be among them."""
    if measured is not None:
        monkeypatch.setattr(hulls, "MEASURED", measured)
    rest = torch.linspace(-2.9, 2.9, 128 - len(at_a_kink)).round(decimals=2)
    x = torch.cat([torch.tensor(at_a_kink), rest]).to(dtype).requires_grad_()

    def run(in_float32: bool) -> str:
        pair = (lambda x: (F.hardswish(x), x)), lambda x, d_y: _hard_swish(d_y, x, in_float32).to(dtype)
        findings = check_function(pair, F.hardswish, x, ways=[]).findings
        return str(next(one.row.verdict for one in findings if one.kind == "input"))

    assert (run(True), run(False)) == ("agrees", "loses digits")


def test_sides_of_both_kinds_are_among_the_first_that_are_measured() -> None:
    """One that was seen to turn, and one inside of a kernel, that has no decision."""

    def reference(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        leaf = values["x"].detach().requires_grad_()
        return {"x": torch.autograd.grad((torch.relu(leaf) + F.hardswish(leaf + 3)).sum(), leaf)[0]}

    found = sides(Movement(reference, {"x": torch.zeros(8, dtype=torch.float64)}))
    assert [side.least > 0 for side in found[: hulls.AT_LEAST]] == [False, True]


@pytest.mark.medium
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize(("slope", "is_right"), [(-1.0, True), (1.0, True), (0.3, True), (-1.3, False)])
def test_a_reference_that_names_its_dtypes_has_all_sides_too(
    dtype: torch.dtype, slope: float, is_right: bool
) -> None:
    """Of |a − b|, b a number for each column, the same slope at all ties is the farthest of choices."""
    generator = torch.Generator().manual_seed(7)

    def drawn(*shape: int) -> Tensor:
        return (torch.randn(shape, generator=generator, dtype=torch.float64).mul(2).round() / 2).to(dtype)

    def absolute(a: Tensor, b: Tensor) -> Tensor:
        return (a.float() - b.float()).abs().to(dtype)

    def backward(saved: tuple[Tensor, Tensor], above: Tensor) -> tuple[Tensor, Tensor]:
        off = saved[0].double() - saved[1].double()
        d_a = torch.where(off == 0, slope, off.sign()) * above.double()
        return d_a.to(dtype), -d_a.sum(0).to(dtype)

    pair = lambda a, b: (absolute(a, b), (a, b)), backward
    report = check_function(pair, absolute, drawn(16, 32), drawn(32), ways=[], order=1, draws=0)
    assert bool(report) is is_right, str(report)
