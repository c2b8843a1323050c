"""Sums of complex numbers, real ones made of them, and what torch makes otherwise while it is watched."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import unfold

from torch_reference import check_function
from torch_reference.tolerance.rounding.exact_run import in_one_dtype

seeded = torch.Generator().manual_seed(0)
ids = torch.tensor([0, 2, 2, 1])
x = torch.randn(4, 3, generator=seeded, dtype=torch.complex128)
AT_INDICES: dict[str, Callable[[Tensor], Tensor]] = {
    "index_select": lambda x: x.index_select(0, ids),
    "gather": lambda x: x.gather(0, torch.tensor([[0, 1, 2]])),
    "getitem": lambda x: x[ids],
    "index_add": lambda x: torch.zeros_like(x).index_add(0, ids, x),
    "scatter_add": lambda x: torch.zeros_like(x).scatter_add(0, ids[:, None].expand(4, 3), x),
    "index_put": lambda x: torch.zeros_like(x).index_put((ids,), x, accumulate=True),
}


@pytest.mark.medium(2)
@pytest.mark.parametrize("name", AT_INDICES)
def test_a_sum_at_indices_of_complex_numbers_is_judged(name: str) -> None:
    """Right ones agree; one with a billionth more does not."""
    function = AT_INDICES[name]
    assert check_function(function, function, x, ways=[], order=1)

    def off(x: Tensor) -> Tensor:
        y = function(x)
        return y + 1e-9 * (y - y.detach())

    assert not check_function(off, function, x, ways=[], order=1, draws=0)


OTHERS: dict[str, Callable[[Tensor], Tensor]] = {
    "real parts in 16 bits": lambda x: x.half(),
    "patches of an image": lambda x: unfold(x[None, None], 2),
    "a norm in another dtype": lambda x: torch.linalg.vector_norm(x, dtype=torch.complex128),
    "a solution that is a conjugate view": lambda x: torch.linalg.lu_solve(
        *torch.linalg.lu_factor(x[:3].detach()), x[:, :3], left=False
    ),
    "a product with complex factors": lambda x: torch.addmm(x, x[:, :3], x[:3], alpha=0.3 + 0.4j, beta=2j),
}


@pytest.mark.filterwarnings("ignore:Casting complex values to real")
@pytest.mark.parametrize("function", OTHERS.values(), ids=OTHERS)
def test_real_numbers_of_complex_ones_have_bounds(function: Callable[[Tensor], Tensor]) -> None:
    """What is right agrees; a gradient times 1.01 does not."""
    assert check_function(function, function, x, ways=[], order=1)

    def off(x: Tensor) -> Tensor:
        return function(x + 0.01 * (x - x.detach()))

    found = check_function(off, function, x, ways=[], order=1, draws=0)
    assert [finding.name for finding in found.findings if not finding.agrees] == ["inputs[0]"], found


def test_numbers_of_a_closure_may_be_coarser_than_an_operation_takes_beside_others() -> None:
    """A factorisation in float32 is widened for a right side in float64; other errors stay what they are."""
    factors = torch.linalg.lu_factor(x[:3].real.float())
    solve: Any = torch.ops.aten.linalg_lu_solve.default
    assert in_one_dtype(solve, (*factors, x[:3].real.clone()), {}).dtype == torch.float64
    with pytest.raises(RuntimeError, match="lu_solve"):
        in_one_dtype(solve, (*factors, x[:2].real.clone()), {})


def test_a_gradient_without_memory_is_zero() -> None:
    """autograd's zeros of a function that is constant."""
    assert check_function(torch.sgn, torch.sgn, x.real.clone(), ways=[], order=1)


def least_squares(a: Tensor) -> Tensor:
    return torch.linalg.lstsq(a, x[:, :2], driver="gelsd").solution


@pytest.mark.parametrize("function", [torch.linalg.pinv, least_squares])
def test_conjugates_inside_of_an_operation(function: Callable[[Tensor], Tensor]) -> None:
    """torch 2.13 leaves them out while a mode watches; once from its forward, once from its gradient."""
    report = check_function(function, function, x, ways=[], order=1)
    assert report, str(report)


def test_what_makes_others_while_it_is_watched_is_not_judged() -> None:
    """Nobody's mistake, and no agreement."""

    def function(x: Tensor) -> Tensor:
        return x * (1 + torch._C._len_torch_dispatch_stack())

    report = check_function(function, function, x, ways=[], order=1)
    assert str(report).startswith("UNDECIDED")
