"""Half of the digits of 16 bits are one: what merely comes near to a wrong gradient does not explain it."""

import pytest
import torch
from torch.nn import functional

from torch_reference import check_function


class LayerNorm(torch.autograd.Function):
    """With float32 inside; every gradient is 1.03 times what it should be."""

    @staticmethod
    def forward(ctx, x, gain, bias):
        centred = x.float() - x.float().mean(-1, keepdim=True)
        r = (centred.square().mean(-1, keepdim=True) + 1e-5).rsqrt()
        ctx.save_for_backward(centred * r, r, gain)
        return (centred * r * gain.float() + bias.float()).to(x.dtype)

    @staticmethod
    def backward(ctx, d_y):
        h, r, gain = ctx.saved_tensors
        d_y = d_y.float()
        d_h = d_y * gain.float()
        d_x = r * (d_h - d_h.mean(-1, keepdim=True) - h * (d_h * h).mean(-1, keepdim=True))
        return tuple((1.03 * value).to(gain.dtype) for value in (d_x, (d_y * h).sum(0), d_y.sum(0)))


@pytest.mark.slow
def test_a_plain_factor_is_no_other_mistake() -> None:
    """The variance with a sum for its mean changes the bias's gradient nowhere; roundings made it look so."""
    torch.manual_seed(0)
    point = (torch.randn(64, 256), 1 + 0.1 * torch.randn(256), torch.randn(256))

    def right(x, gain, bias):
        return functional.layer_norm(x, (256,), gain, bias)

    report = check_function(LayerNorm, right, *(value.bfloat16() for value in point), ways=[])
    assert len(report.findings) == 4
    said = {finding.diagnosis.kind for finding in report.findings if finding.diagnosis}
    assert said <= {"constant factor", "factor too many", "unknown"}


def affine(accumulates):
    """x · gain + bias, whose sums over the rows are made in float32, or term by term in float16."""

    def backward(saved, g):
        x, gain = saved
        if not accumulates:
            return g * gain, (g * x).float().sum(0).to(x.dtype), g.float().sum(0).to(x.dtype)
        d_gain, d_bias = torch.zeros_like(gain), torch.zeros_like(gain)
        for row in range(len(x)):
            d_gain, d_bias = d_gain + g[row] * x[row], d_bias + g[row]
        return g * gain, d_gain, d_bias

    return lambda x, gain, bias: (x * gain + bias, (x, gain)), backward


@pytest.mark.parametrize("accumulates", [False, True])
def test_a_sum_that_was_accumulated_in_16_bits_is_called_that(accumulates) -> None:
    """Adding up the rows' own gradients in float16 gives the very numbers."""
    # 128 rows: 64 of them stay, with most upstream gradients, within what the ordinary order of a sum may do.
    generator = torch.Generator().manual_seed(1)
    x, gain, bias = (torch.randn(*shape, generator=generator).half() for shape in ((128, 8), (8,), (8,)))
    report = check_function(
        affine(accumulates), lambda x, gain, bias: x * gain + bias, x, gain, bias, ways=[], order=1
    )
    kinds = {each.diagnosis.kind for each in report.findings if each.diagnosis}
    assert kinds == ({"16-bit accumulation"} if accumulates else set())
    assert report.agrees is not accumulates
