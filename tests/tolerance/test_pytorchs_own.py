"""What is said in 16 bits of numbers that are PyTorch's own."""

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference import Row, Verdict, check_function
from torch_reference.tolerance.agreeing_rows import PYTORCHS_OWN
from torch_reference.tolerance.verdicts import Tolerance

HALF = pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])


def row(
    reference: Callable[[Mapping[str, Tensor]], dict[str, Tensor]],
    point: dict[str, Tensor],
    name: str,
    value: Tensor,
) -> Row:
    """The verdict on one value."""
    return Tolerance(reference, point).rows({name: value})[name]


@pytest.mark.sample(1)
@HALF
def test_pytorchs_own_numbers_are_no_mistake_of_a_derivation(dtype: torch.dtype) -> None:
    """On a processor it keeps a layer norm's statistics in 16 bits, and no derivation is blamed for that."""
    torch.manual_seed(0)
    point = {"x": torch.randn(4, 5).to(dtype), "up": torch.randn(4, 5).to(dtype)}

    def reference(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        x = values["x"].detach().clone().requires_grad_()
        return {"x": torch.autograd.grad(functional.layer_norm(x, (5,)), x, values["up"])[0]}

    own = reference(point)["x"]
    found = row(reference, point, "x", own)
    assert found.agrees
    assert found.explanation in ("", PYTORCHS_OWN)
    near = own.clone()
    near[0, 0] += 4 * torch.finfo(dtype).eps * own.abs().max()
    assert not row(reference, point, "x", near).agrees


@HALF
def test_a_sum_over_indices_in_16_bits_loses_digits_though_it_is_pytorchs_own(dtype: torch.dtype) -> None:
    """As an embedding accumulates its rows on a processor."""
    torch.manual_seed(0)
    ids, up = torch.zeros(400, dtype=torch.int64), torch.randn(400, 30).to(dtype)

    def reference(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        leaf = values["table"].detach().clone().requires_grad_()
        out = functional.embedding(values["ids"], leaf)
        return {"table": torch.autograd.grad(out, leaf, values["up"])[0]}

    point = {"table": torch.randn(3, 30).to(dtype), "ids": ids, "up": up}
    total = torch.zeros(3, 30, dtype=dtype)
    for one in up:
        total[0] = total[0] + one
    assert row(reference, point, "table", total).verdict is Verdict.LOSES_DIGITS
    in_float32 = torch.zeros(3, 30).index_add(0, ids, up.float()).to(dtype)
    assert row(reference, point, "table", in_float32).agrees


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equal_terms_round_one_way(dtype: torch.dtype) -> None:
    """A thousand times the same number, one after another, as an expanded upstream gradient is summed."""
    terms = torch.full((1000, 1), 0.224331).to(dtype) * torch.linspace(0.5, 2, 30).to(dtype)
    total = torch.zeros(30, dtype=dtype)
    for one in terms:
        total = total + one
    assert row(lambda values: {"y": values["x"].sum(0)}, {"x": terms}, "y", total).agrees
    wrong = total * (1 + 4000 * torch.finfo(dtype).eps)
    assert not row(lambda values: {"y": values["x"].sum(0)}, {"x": terms}, "y", wrong).agrees


def test_what_overflows_in_the_reference_too_is_no_agreement() -> None:
    """A correlation of counts whose product is infinite in float16 is 0, and so is its gradient."""

    def correlation(x: Tensor) -> Tensor:
        return x.sum() / (x.square().sum() * 3e4).sqrt()

    x = torch.full((40,), 0.5, dtype=torch.float16) + torch.arange(40, dtype=torch.float16) / 64
    assert correlation(x) == 0
    report = check_function(correlation, correlation, x, ways=[], order=1, draws=0)
    assert {each.row.verdict for each in report.findings} == {Verdict.INCONCLUSIVE}, report
    assert check_function(correlation, correlation, x.bfloat16(), ways=[], order=1)
