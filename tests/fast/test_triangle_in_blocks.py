"""The triangle of many observations, by the kernel or in blocks, is that of the data to within its bound."""

import jaxtyping
import pytest
import torch

import manual_backprop
import torch_reference
from fast_ways import COMPILED, memory_of_nan
from lessons_seven import seven_only
from manual_backprop import lesson
from manual_backprop.fast import parallel_blocks, triangle
from manual_backprop.fast import triangle_in_blocks as fast_triangle
from manual_backprop.fast.triangle_descent import rounding, ssr_and_derivatives
from strategies import Case


def many(dtype: torch.dtype, n: int = 1500) -> Case:
    """The lesson's network on observations of very different sizes; the last leaf is not full."""
    inputs, observed = torch.randn(2, n, dtype=torch.float64, generator=torch.Generator().manual_seed(7))
    observed = observed * 10 ** torch.linspace(-3, 3, n, dtype=torch.float64)
    return Case(lesson.start(dtype), inputs.to(dtype), observed.to(dtype))


@seven_only
@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("n", "scale"), [(1500, 1.0), (1500, 1e-170), (1500, 1e150), (65 * 512, 1.0)])
def test_the_fast_triangle_is_within_its_bound(
    monkeypatch: pytest.MonkeyPatch, compiled: bool, dtype: torch.dtype, n: int, scale: float
) -> None:
    """Against the plain derivation in float64; a column of 1e-170 or 1e150 neither under- nor overflows.

    65 blocks are one more than a factorisation takes.
    """
    if compiled and not COMPILED:
        pytest.skip("no C compiler here")
    if not compiled:
        monkeypatch.setattr(fast_triangle, "library", lambda dtype: None)
    for module in (fast_triangle, parallel_blocks):
        monkeypatch.setattr(module, "BLOCK", 512)
    monkeypatch.setattr(parallel_blocks, "PARALLEL", 512)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    case = many(dtype, n)
    if dtype == torch.float64:
        case = case._replace(observed=case.observed * scale)
    with memory_of_nan():
        one = fast_triangle.from_data(*case)
    assert one.observations == n
    assert torch.equal(one.rows, one.rows.triu())
    exactly = Case(
        {name: value.double() for name, value in case.parameters.items()}, *map(torch.Tensor.double, case[1:])
    )
    trace = manual_backprop.forward(*exactly)
    plain = {"ssr": trace.ssr, **manual_backprop.gradients(*exactly)}
    ssr, derivatives = ssr_and_derivatives(one, case.parameters)
    of_ssr, of_derivatives = rounding(one, case.parameters)
    allowed = torch_reference.bounds(*exactly)
    for name, value in {"ssr": ssr, **derivatives}.items():
        bound = {"ssr": of_ssr, **of_derivatives}[name] + allowed[name]
        assert (value - plain[name]).abs() <= bound, name


@seven_only
@pytest.mark.skipif(not COMPILED, reason="no C compiler here")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("count", "merges"), [(2, 1), (64, 1), (65, 2), (64 * 64 + 1, 3)])
def test_many_observations_go_through_the_kernel(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, count: int, merges: int
) -> None:
    """Leaf, block and each merge of 64 have the roundings of four more rows (lesson_and_triangle.c)."""
    monkeypatch.setattr(triangle, "from_data", lambda *_: pytest.fail("the plain way"))
    for module in (fast_triangle, parallel_blocks):
        monkeypatch.setattr(module, "BLOCK", triangle.LEAF)
    one = fast_triangle.from_data(*many(dtype, (count - 1) * triangle.LEAF + 1))
    assert one.roundings == (2 + merges) * triangle.roundings_of(triangle.LEAF + 4)


@seven_only
def test_few_observations_batches_and_bad_shapes_are_triangle_pys() -> None:
    """The fast triangle is for one network and many observations; all else is judged where it was."""
    case = many(torch.float64, 40)
    assert torch.equal(fast_triangle.from_data(*case).rows, triangle.from_data(*case).rows)
    long = many(torch.float64, parallel_blocks.BLOCK + 1)
    batch = {name: value.expand(2) for name, value in long.parameters.items()}
    assert fast_triangle.from_data(batch, *long[1:]).rows.shape == (2, 4, 4)
    jaxtyping.config.update("jaxtyping_disable", True)  # as a user runs it, without the tests' own check
    try:
        with pytest.raises(ValueError, match="observed must have the inputs' shape"):
            fast_triangle.from_data(long.parameters, long.inputs, long.observed[:-1])
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)
