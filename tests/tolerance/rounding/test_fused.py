"""Fused operations are taken apart as torch takes them apart, whatever is left out on the way."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch._decomp import decomposition_table

from torch_reference import check_function
from torch_reference.tolerance.movement import Movement
from torch_reference.tolerance.rounding.fused import taken_apart
from torch_reference.tolerance.rounding.moved_run import MovedRun

ops = torch.ops.aten
NAMES: dict[Any, tuple[Any, ...]] = {
    ops.gelu.default: (1,),
    ops.gelu_backward.default: (2,),
    ops.glu_backward.default: (1,),
    ops.mish.default: (1,),
    ops.mse_loss.default: (2, 1),
    ops.silu_backward.default: (2,),
    ops.softplus_backward.default: (2, 1.0, 20.0),
    ops.tanh_backward.default: (2,),
}
"""How many tensors each takes first, and what besides."""


@pytest.mark.parametrize(
    "dtypes", [[torch.float64], [torch.float32], [torch.bfloat16], [torch.float32, torch.float64]]
)
@pytest.mark.parametrize("func", NAMES, ids=str)
def test_numbers_are_those_of_torchs_own_decomposition(func: Any, dtypes: list[torch.dtype]) -> None:
    """In each dtype, and where two are mixed."""
    count, *others = NAMES[func]
    draws = torch.Generator().manual_seed(0)
    tensors = [torch.randn(3, 4, generator=draws).to(dtypes[i % len(dtypes)]) for i in range(count)]
    if func is ops.glu_backward.default:
        tensors = [torch.randn(3, 2, generator=draws).to(dtypes[0]), *tensors]
        others = [-1]
    apart = taken_apart(func)
    assert apart is not None
    found, expected = apart(*tensors, *others), decomposition_table[func](*tensors, *others)
    assert isinstance(found, Tensor)
    assert found.dtype == expected.dtype
    assert torch.equal(found, expected)


EXPERTS = torch.tensor([0, 0, 0, 2, 2, 2, 2, 2, 3, 3, 3, 3])


def at_once(x: Tensor, w: Tensor) -> Tensor:
    """As transformers has it of each such layer: how many rows each has is counted in float32."""
    numbers = torch.histc(EXPERTS.float(), bins=4, min=0, max=3)
    return torch._grouped_mm(x, w, offs=torch.cumsum(numbers, 0, dtype=torch.int32))


def one_by_one(x: Tensor, w: Tensor, factor: float = 1.0) -> Tensor:
    """The experts one after another; the factor is one of their weights' gradient."""
    w = w + (factor - 1) * (w - w.detach())
    rows = x.tensor_split([3, 3, 8])
    return torch.cat([own @ weight for own, weight in zip(rows, w, strict=True)])


@pytest.mark.medium
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_products_of_experts_are_judged(dtype: torch.dtype) -> None:
    """There was nothing to compare with: the reference was refused where it was made exact."""
    draws = torch.Generator().manual_seed(0)
    x, w = torch.randn(12, 16, generator=draws).to(dtype), torch.randn(4, 16, 8, generator=draws).to(dtype)
    assert check_function(one_by_one, at_once, x, w, ways=[], order=1)
    wrong = check_function(lambda x, w: one_by_one(x, w, 1.1), at_once, x, w, ways=[], order=1, draws=0)
    assert [finding.name for finding in wrong.findings if not finding.agrees] == ["inputs[1]"]


def test_options_by_name_are_handed_on() -> None:
    """Without a look at dtypes the decomposition is given arguments by position alone."""
    x = torch.linspace(-3, 3, 50)
    made = taken_apart(ops.gelu.default)(x, approximate="tanh")
    assert (made - torch.nn.functional.gelu(x)).abs().max() > 1e-4
    torch.testing.assert_close(made, torch.nn.functional.gelu(x, approximate="tanh"))


@pytest.mark.parametrize("order", [None, 0.0, 1.0, 2.0, 3.5, torch.inf, -torch.inf])
def test_a_norm_of_any_order_is_what_it_is(order: float | None) -> None:
    """The largest number is no sum of powers, and how many are not zero is none either; None is 2."""
    x = torch.linspace(-3, 3, 50, dtype=torch.float64).view(5, 10)
    with MovedRun(0):
        made = ops.norm.ScalarOpt_dim(x, order, [-1])
    torch.testing.assert_close(made, ops.norm.ScalarOpt_dim(x, order, [-1]))


@pytest.mark.parametrize("function", [torch.exp, torch.sinh, torch.cosh])
def test_what_is_made_of_a_rounded_argument_moves_by_as_much(function: Any) -> None:
    """It is off by |x| u of itself, as XLA's is."""
    movement = Movement(lambda values: {"x": function(values["x"])}, {"x": torch.full((4,), 80.0)})
    movement.at_least(8)
    assert (movement.moved["x"] / movement.expected["x"]).min() > 20 * 2**-24
