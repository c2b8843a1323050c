"""Wrong lines among the elements of lists and dicts, and of functions whose arguments are named or nested."""

import pytest
import torch
from torch import Tensor

from torch_reference import check_function


class OfLists(torch.autograd.Function):
    """Two layers whose values and gradients are elements of lists and dicts."""

    @staticmethod
    def forward(ctx, x, w1, w2):
        """tanh(tanh(x w1) w2)."""
        hs = [x]
        for w in (w1, w2):
            hs.append(torch.tanh(hs[-1] @ w))
        p = {"w1": w1, "w2": w2}
        ctx.p, ctx.hs = {name: value.detach() for name, value in p.items()}, [h.detach() for h in hs]
        return hs[-1]

    @staticmethod
    def backward(ctx, grad_y):
        """The gradient of hs[1] lacks a transpose."""
        hs, dhs, d = ctx.hs, [None, None, grad_y], {}
        da = dhs[2] * (1 - hs[2] ** 2)
        d["w2"] = hs[1].T @ da
        dhs[1] = da @ ctx.p["w2"]
        da = dhs[1] * (1 - hs[1] ** 2)
        d["w1"] = hs[0].T @ da
        dhs[0] = da @ ctx.p["w1"].T
        return dhs[0], d["w1"], d["w2"]


def drawn(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Normal numbers."""
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.medium
def test_elements_of_lists_and_dicts_are_links() -> None:
    """The wrong one is named, and what it feeds is inherited."""
    x, w1, w2 = drawn(4, 3), drawn(3, 3), drawn(3, 3) + 1
    right = lambda x, w1, w2: torch.tanh(torch.tanh(x @ w1) @ w2)  # noqa: E731
    report = check_function(OfLists, right, x, w1, w2, ways=[], order=1, draws=1)
    [wrong] = report.inside.wrong
    assert wrong.quantity.manual_name == "dhs[1]"
    status = {link.quantity.manual_name: link.status.value for link in report.inside.links}
    assert status["d['w2']"] == "right"
    assert status["d['w1']"] == "inherited"
    assert '+        dhs[1] = da @ ctx.p["w2"].T' in report.fix


def forward(pair, *, scale, name):
    """(tanh(a b) s, what is kept), for a pair (a, b) and a scale in a dict."""
    a, b = pair
    h = torch.tanh(a @ b)
    return h * scale["s"], (a, b, h, scale["s"])


def backward(saved, d_y):
    """A square is missing in the derivative of tanh."""
    a, b, h, s = saved
    d_h = d_y * s
    d_s = (d_y * h).sum(0)
    d_z = d_h * (1 - h)
    return d_z @ b.T, a.T @ d_z, d_s


@pytest.mark.medium
def test_named_and_nested_arguments_have_their_lines_too() -> None:
    """The line that both wrong gradients need is edited."""
    right = lambda pair, *, scale, name: forward(pair, scale=scale, name=name)[0]  # noqa: E731
    pair, scale = (drawn(3, 4), drawn(4, 2)), {"s": drawn(2)}
    report = check_function(
        (forward, backward), right, pair, scale=scale, name="some text", ways=[], order=1, draws=1
    )
    assert "+    d_z = d_h * (1 - h ** 2)" in report.fix


@pytest.mark.slow
def test_lines_of_complex_functions_are_said_to_be_out_of_reach() -> None:
    """In one line; the gradient is judged."""
    one, other = drawn(3, dtype=torch.complex128), drawn(4, dtype=torch.complex128)[:3]
    pair = (lambda a, b: (a * b, (a, b)), lambda saved, g: (g * saved[1], g * saved[0].conj()))
    report = check_function(pair, lambda a, b: a * b, one, other, ways=[], order=1, draws=1)
    assert not report.agrees
    assert "in your code: out of reach: complex arguments" in str(report)
