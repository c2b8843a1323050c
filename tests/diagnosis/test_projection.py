"""A mistake that no single element of 16 bits shows is told by its direction."""

import re

import pytest
import torch
from torch.nn import functional

from torch_reference import check_function


def layer_norm(mistake: str):
    """As kernels for 16 bits have it, with float32 inside; without a mean, without it in every second row."""

    def forward(x, gain):
        centred = x.float() - x.float().mean(-1, keepdim=True)
        r = (centred.square().mean(-1, keepdim=True) + 1e-5).rsqrt()
        return (centred * r * gain.float()).to(x.dtype), (centred * r, r, gain)

    def backward(saved, g):
        h, r, gain = saved
        d = g.float() * gain.float()
        of_mean, of_variance = d.mean(-1, keepdim=True), h * (d * h).mean(-1, keepdim=True)
        if mistake == "mean":
            of_mean = 0 * of_mean
        if mistake == "variance":
            of_variance = 0 * of_variance
        if mistake == "every second mean":
            of_mean[::2] = 0
        if mistake == "too much":
            of_mean = 1.5 * of_mean
        d_x = r * (d - of_mean - of_variance)
        return d_x.to(gain.dtype), (g.float() * h).sum(0).to(gain.dtype)

    return forward, backward


def diagnosed(mistake: str, dtype: torch.dtype) -> tuple[str, str]:
    """The kind that the check tells, and its sentence."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(16, 256, generator=generator).to(dtype)
    gain = (1 + 0.1 * torch.randn(256, generator=generator)).to(dtype)

    def right(x, gain):
        return functional.layer_norm(x, (256,), gain)

    report = check_function(layer_norm(mistake), right, x, gain, ways=[], order=1)
    [found] = [each.diagnosis for each in report.findings if not each.agrees]
    return found.kind, found.sentence


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize(("mistake", "call"), [("mean", 1), ("variance", 4)])
def test_a_dropped_path_is_told_with_how_much_of_it_is_there(mistake, call, dtype) -> None:
    """The mean's is a twentieth of what a gradient's elements are; half of the digits of 16 bits are one."""
    kind, sentence = diagnosed(mistake, dtype)
    assert kind == "path dropped"
    assert f"mean, call {call}" in sentence
    assert re.search(r"By its direction (0\.99\d|1\.00\d) ± ", sentence)


@pytest.mark.slow
@pytest.mark.parametrize("mistake", ["every second mean", "too much"])
def test_a_part_of_a_mistake_is_none(mistake) -> None:
    """A half of it, as precisely, is something else; an edit of its line may tell what."""
    assert diagnosed(mistake, torch.bfloat16)[0] != "path dropped"
