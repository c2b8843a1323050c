"""The check on a GPU: atomics, compiled modules, autocast, derivations, links, a Triton kernel."""

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional

from on_gpu import on_gpu
from torch_reference import check_derivation, check_function, check_links, check_modules

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


class Scatter(Function):
    """index_add's atomics add in another order each time."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, ids: Tensor) -> Tensor:
        ctx.save_for_backward(ids)
        ctx.rows = table.shape[0]
        return table[ids]

    @staticmethod
    def backward(ctx: Any, above: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        (ids,) = ctx.saved_tensors
        return above.new_zeros(ctx.rows, *above.shape[1:]).index_add(0, ids, above), None


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_atomics_are_right(dtype: torch.dtype) -> None:
    """An embedding whose rows are met thousands of times: repeated calls differ by rounding."""
    ids = torch.randint(0, 4, (3000,), generator=torch.Generator().manual_seed(3)).cuda()
    report = check_function(Scatter, lambda table, ids: table[ids], on_gpu(4, 8, dtype=dtype), ids)
    assert report.agrees, str(report)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # what inductor of torch 2.11 imports
@pytest.mark.filterwarnings("ignore:TensorFloat32 tensor cores:UserWarning")  # inductor's advice
def test_a_compiled_module_agrees_with_itself() -> None:
    """inductor's fused kernels, against eager; they read a negative view without its sign (torch 2.13)."""
    module = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 4)).cuda()
    report = check_modules(
        torch.compile(module),
        module,
        on_gpu(8, 16, dtype=torch.float32),
        names={"_orig_mod": ""},
        order=1,
        ways=["transposed", "rows", "redrawn"],
    )
    assert report.agrees, str(report)


def test_autocast_is_judged() -> None:
    """custom_fwd and custom_bwd of CUDA: the Function casts by itself what autocast leaves alone."""

    class Product(Function):
        @staticmethod
        @torch.amp.custom_fwd(device_type="cuda", cast_inputs=torch.float32)
        def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
            ctx.save_for_backward(a, b)
            return a * b

        @staticmethod
        @torch.amp.custom_bwd(device_type="cuda")
        def backward(ctx: Any, above: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
            a, b = ctx.saved_tensors
            return above * b, above * a

    inputs = on_gpu(6, 8, dtype=torch.float32), on_gpu(6, 8, dtype=torch.float32, seed=1)
    with torch.autocast("cuda"):
        under = check_function(Product, torch.mul, *inputs)
    assert under.agrees, under
    assert check_function(Product, torch.mul, *inputs).agrees


def test_a_derivation_of_a_module_on_a_gpu() -> None:
    """Right agrees; a forgotten factor of two is called that."""
    model = nn.Linear(5, 1).cuda().double()
    inputs, observed = on_gpu(7, 5), on_gpu(7, 1, seed=1)

    def by_hand(parameters: Any, inputs: Tensor, observed: Tensor, factor: float = 2.0) -> dict[str, Tensor]:
        residual = inputs @ parameters["weight"].T + parameters["bias"] - observed
        return {"weight": factor * residual.T @ inputs, "bias": factor * residual.sum(0)}

    def ssr(output: Tensor, observed: Tensor) -> Tensor:
        return ((output - observed) ** 2).sum()

    right = check_derivation(model, ssr, inputs, observed, by_hand)
    assert right.agrees, right
    wrong = check_derivation(model, ssr, inputs, observed, lambda p, x, y: by_hand(p, x, y, factor=1.0))
    assert not wrong.agrees
    assert "factor" in str(wrong)


def test_links_on_a_gpu() -> None:
    """The wrong one of a flat script is named."""
    x, w = on_gpu(6, 4), on_gpu(4, 3, seed=1).requires_grad_()
    h = x @ w
    y = torch.tanh(h)
    loss = (y**2).sum()
    d_y = 2 * y
    d_h = d_y * (1 - y)
    d_w = x.T @ d_h
    report = check_links(loss, {"y": (y, d_y), "h": (h, d_h), "w": (w, d_w)})
    assert not report.agrees
    assert "h" in str(report)


def test_a_triton_kernel() -> None:
    """A softmax of one row in a block, right, and with a backward that forgets to mask the row's end."""
    pytest.importorskip("triton")
    from triton_softmax import Softmax, UnmaskedSoftmax

    for dtype in (torch.float32, torch.bfloat16):
        x = on_gpu(5, 50, dtype=dtype)
        right = check_function(Softmax, lambda x: torch.softmax(x, -1), x, order=1)
        assert right.agrees, right
        wrong = check_function(UnmaskedSoftmax, lambda x: torch.softmax(x, -1), x, order=1)
        assert not wrong.agrees, dtype


def test_indices_of_our_own_do_not_end_the_use_of_the_gpu() -> None:
    """A reference that does not take -100, a table that is cut to one row: a processor is asked first."""
    table, ids = on_gpu(5, 4), torch.tensor([0, 4, 4, 1, 2, 2]).cuda()
    report = check_function(
        lambda table, ids: functional.embedding(ids, table), lambda t, i: t[i], table, ids
    )
    assert report.agrees, str(report)
    scores = on_gpu(6, 5)
    picked = check_function(
        functional.cross_entropy,
        lambda x, ids: (x.logsumexp(-1) - x.gather(1, ids[:, None])[:, 0]).mean(),
        scores,
        ids,
    )
    assert picked.agrees, picked
    assert float(torch.ones(3, device="cuda").sum()) == 3


def test_a_wrong_index_does_not_end_the_use_of_the_gpu() -> None:
    """No edit of it is tried there: one that is out of range would be the end."""

    class Overwritten(Scatter):
        @staticmethod
        def backward(ctx: Any, above: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
            (ids,) = ctx.saved_tensors
            table = above.new_zeros(ctx.rows, *above.shape[1:])
            table[ids] = table[ids] + above
            return table, None

    ids = torch.randint(0, 50, (64,), generator=torch.Generator().manual_seed(3)).cuda()
    report = check_function(Overwritten, lambda table, ids: table[ids], on_gpu(50, 16), ids)
    assert {"inputs[0]: differs"} <= {f"{found.name}: {found.row.verdict}" for found in report.findings}, (
        report
    )
    assert float(torch.ones(3, device="cuda").sum()) == 3


def test_a_kernel_that_fails_later_is_reported() -> None:
    """An index that is out of range in the backward alone: after it nothing can be asked there."""
    asked = """if True:
        import torch
        from torch_reference import check_function
        class Wrong(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2
            @staticmethod
            def backward(ctx, above):
                return above.flatten()[torch.full((12,), 99, device="cuda")].view(3, 4)
        print(check_function(Wrong, lambda x: x * 2, torch.ones(3, 4, device="cuda")))
    """
    ended = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "MISMATCH" in ended.stdout
    assert "raises an error" in ended.stdout
