"""Windows that end elsewhere, spectra of another length, and where a rotation is none."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import avg_pool1d, interpolate
from torch.utils.checkpoint import checkpoint

from catalogue.ways.functions import function, saving

drawn = torch.Generator().manual_seed(8)
odd, even, short = (torch.randn(1, 2, n, generator=drawn, dtype=torch.float64) for n in (7, 8, 4))
vectors = torch.randn(4, 3, generator=drawn, dtype=torch.float64)
LONG = 10


def pooled(x: Tensor) -> Tensor:
    """Means of three numbers, by steps of two; the last window may reach beyond the end."""
    return avg_pool1d(x, 3, 2, ceil_mode=True)


def of_pooled(right: bool) -> type[torch.autograd.Function]:
    """Its backward divides by how many numbers the window has there, or by three."""

    def backward(ctx: Any, g: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        d = torch.zeros_like(x)
        for start, above in zip(range(0, x.shape[-1], 2), g.unbind(-1), strict=False):
            part = d[..., start : start + 3]
            part += above[..., None] / (part.shape[-1] if right else 3)
        return d

    return function(saving(pooled), backward)


def resized(x: Tensor) -> Tensor:
    """Ten numbers between which there are straight lines, from the first one to the last."""
    return interpolate(x, size=LONG, mode="linear", align_corners=True)


def of_resized(right: bool) -> type[torch.autograd.Function]:
    """Its backward looks for what a number made as far as its neighbours, or as the lengths' ratio."""

    def backward(ctx: Any, g: Tensor) -> Tensor:
        count = ctx.saved_tensors[0].shape[-1]
        made = resized(torch.eye(count, dtype=g.dtype)[:, None])[:, 0]
        reach = (LONG - 1) / max(count - 1, 1) if right else LONG / count
        centres = torch.arange(count) * ((LONG - 1) / max(count - 1, 1))
        return g @ (made * ((torch.arange(LONG) - centres[:, None]).abs() <= reach)).mT

    return function(saving(resized), backward)


def spectrum(x: Tensor) -> tuple[Tensor, Tensor]:
    """The real and the imaginary part of half a spectrum."""
    z = torch.fft.rfft(x)
    return z.real, z.imag


def of_spectrum(right: bool) -> type[torch.autograd.Function]:
    """Its backward halves what stands for two frequencies: the last one of an odd length, too."""

    def backward(ctx: Any, real: Tensor, imaginary: Tensor) -> Tensor:
        length = ctx.saved_tensors[0].shape[-1]
        weights = torch.full_like(real[..., :1, :].expand_as(real), 0.5)
        weights[..., 0] = 1
        if length % 2 == 0 or not right:
            weights[..., -1] = 1
        return torch.fft.irfft(torch.complex(real * weights, imaginary * weights), n=length) * length

    return function(saving(spectrum), backward)


def rotation(vector: Tensor, safe: bool = True) -> Tensor:
    """The quaternion of a rotation vector; of none the root of zero has no slope, where it is taken."""
    square = vector.square().sum(-1, keepdim=True)
    is_one = square > 0
    angle = (torch.where(is_one, square, 1) if safe else square).sqrt()
    factor = torch.where(is_one, torch.sin(angle / 2) / angle, 0.5)
    return torch.cat([torch.where(is_one, torch.cos(angle / 2), 1), vector * factor], -1)


def dropped(x: Tensor) -> Tensor:
    """Half of the numbers."""
    return torch.nn.functional.dropout(x.tanh(), 0.5) * x


WINDOWS: dict[str, tuple[Any, Any, Callable[..., Any], tuple[Any, ...]]] = {
    "a window over the end (pytorch/pytorch#198119)": (of_pooled(False), of_pooled(True), pooled, (odd,)),
    "a window of the other scale (flagos-ai/FlagGems#5218)": (
        of_resized(False), of_resized(True), resized, (short,)
    ),
    "the last frequency of an odd length (ooples/AiDotNet.Tensors#911)": (
        of_spectrum(False), of_spectrum(True), spectrum, (even,)
    ),
    "no rotation (kornia/kornia#3949)": (
        lambda v: rotation(v, safe=False), lambda v: rotation(v), rotation, (vectors,)
    ),
    "dropout that is drawn again (allenai/OLMo-core#828)": (
        lambda x: checkpoint(dropped, x, use_reentrant=False, preserve_rng_state=False),
        lambda x: checkpoint(dropped, x, use_reentrant=False), dropped, (vectors,),
    ),
}  # fmt: skip
