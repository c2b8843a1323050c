"""What agreement costs: check_function on a right backward, beside one pass of the reference and gradcheck.

Every element is judged, in every way in which torch calls a backward; gradcheck's fast mode judges one
product. The goals: at 2²⁰ elements at most 40 passes of the reference in float64; linear growth; a wrong one,
with its diagnosis, in at most three times that.
"""

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks.contest import Contest, Contestant
from torch_reference import check_function

PASS, GRADCHECK = "one float64 forward and backward", "gradcheck, fast mode"
WRONG = {"check of a doubled gradient": 2.0, "check of 1.01 times the gradient": 1.01}
"""The first candidate explains the one, and none the other."""
PASSES = 40
"""Of the reference, in the time of one agreement: the goal."""

COLUMNS, HEAD = 1024, 64


class Pair(NamedTuple):
    """A function with its backward, its reference, and its inputs of so many elements."""

    forward: Callable[..., tuple[Tensor, Any]]
    backward: Callable[..., Any]
    reference: Callable[..., Tensor]
    inputs: Callable[[int, torch.Generator], tuple[Tensor, ...]]


def _layer_norm(x: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Any]:
    deviation = x - x.mean(-1, keepdim=True)
    inverse = (deviation.square().mean(-1, keepdim=True) + 1e-5).rsqrt()
    normalised = deviation * inverse
    return normalised * weight + bias, (normalised, inverse, weight)


def _d_layer_norm(saved: Any, upstream: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    normalised, inverse, weight = saved
    direct = upstream * weight
    by_mean = direct.mean(-1, keepdim=True)
    by_deviation = normalised * (direct * normalised).mean(-1, keepdim=True)
    d_weight, d_bias = (upstream * normalised).sum(0), upstream.sum(0)
    return (direct - by_mean - by_deviation) * inverse, d_weight, d_bias


def _d_softmax(shares: Tensor, upstream: Tensor) -> Tensor:
    return shares * (upstream - (upstream * shares).sum(-1, keepdim=True))


def _softmax(x: Tensor) -> tuple[Tensor, Any]:
    shares = (x - x.amax(-1, keepdim=True)).exp()
    shares = shares / shares.sum(-1, keepdim=True)
    return shares.clone(), shares


def _gelu(x: Tensor) -> tuple[Tensor, Any]:
    return 0.5 * x * (1 + torch.erf(x * math.sqrt(0.5))), x


def _d_gelu(x: Tensor, upstream: Tensor) -> Tensor:
    density = torch.exp(-0.5 * x.square()) / math.sqrt(2 * math.pi)
    return upstream * (0.5 * (1 + torch.erf(x * math.sqrt(0.5))) + x * density)


def _cross_entropy(x: Tensor, classes: Tensor) -> tuple[Tensor, Any]:
    log_shares = x - x.logsumexp(-1, keepdim=True)
    return -log_shares.gather(-1, classes.unsqueeze(-1)).mean(), (log_shares.exp(), classes)


def _d_cross_entropy(saved: Any, upstream: Tensor) -> tuple[Tensor, None]:
    shares, classes = saved
    hit = torch.zeros_like(shares).scatter_(-1, classes.unsqueeze(-1), 1)
    return upstream * (shares - hit) / len(shares), None


def _attention(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Any]:
    _, shares = _softmax(q @ k.T / HEAD**0.5)
    return shares @ v, (q, k, v, shares)


def _d_attention(saved: Any, upstream: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    q, k, v, shares = saved
    d_scores = _d_softmax(shares, upstream @ v.T) / HEAD**0.5
    return d_scores @ k, d_scores.T @ q, shares.T @ upstream


def _rows(elements: int, generator: torch.Generator) -> Tensor:
    columns = min(COLUMNS, elements)
    return torch.randn(elements // columns, columns, generator=generator, dtype=torch.float64)


def _with_gain(elements: int, generator: torch.Generator) -> tuple[Tensor, ...]:
    x = _rows(elements, generator)
    return x, *torch.randn(2, x.shape[1], generator=generator, dtype=torch.float64)


def _with_classes(elements: int, generator: torch.Generator) -> tuple[Tensor, ...]:
    x = _rows(elements, generator)
    return x, torch.randint(x.shape[1], (len(x),), generator=generator)


def _heads(elements: int, generator: torch.Generator) -> tuple[Tensor, ...]:
    """As many scores as elements."""
    return tuple(torch.randn(3, int(elements**0.5), HEAD, generator=generator, dtype=torch.float64))


def _plain_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return torch.softmax(q @ k.T / HEAD**0.5, -1) @ v


PAIRS: Mapping[str, Pair] = {
    "layer-norm": Pair(
        _layer_norm,
        _d_layer_norm,
        lambda x, w, b: torch.nn.functional.layer_norm(x, x.shape[-1:], w, b),
        _with_gain,
    ),
    "softmax": Pair(_softmax, _d_softmax, lambda x: torch.softmax(x, -1), lambda n, g: (_rows(n, g),)),
    "gelu": Pair(_gelu, _d_gelu, torch.nn.functional.gelu, lambda n, g: (_rows(n, g),)),
    "cross-entropy": Pair(_cross_entropy, _d_cross_entropy, torch.nn.functional.cross_entropy, _with_classes),
    "attention": Pair(_attention, _d_attention, _plain_attention, _heads),
}


def makers() -> dict[str, Callable[[torch.dtype, torch.device], Contest]]:
    """Each function at 2¹⁶, 2¹⁸, 2²⁰ and 2²² elements."""
    return {
        f"check-{name}-{power}": functools.partial(contest, name, power)
        for name in PAIRS
        for power in (16, 18, 20, 22)
    }


def contest(name: str, power: int, dtype: torch.dtype, device: torch.device) -> Contest:
    """Agreement on so many elements of this dtype; the pass of the reference is one of float64."""
    pair = PAIRS[name]
    exact = [value.to(device) for value in pair.inputs(1 << power, torch.Generator().manual_seed(1))]
    given = [value.to(dtype) if value.is_floating_point() else value for value in exact]

    def ours() -> Any:
        return check_function((pair.forward, pair.backward), pair.reference, *given)

    def wrong(factor: float) -> Any:
        def backward(saved: Any, upstream: Tensor) -> Any:
            found = pair.backward(saved, upstream)
            return (factor * found[0], *found[1:]) if isinstance(found, tuple) else factor * found

        return check_function((pair.forward, backward), pair.reference, *given)

    def check() -> None:
        assert not any(wrong(factor).agrees for factor in WRONG.values()), "a wrong gradient agrees"
        report = ours()
        assert report.agrees, str(report)
        assert gradcheck(), "gradcheck refuses what is right"

    watched = [value.clone().requires_grad_(value.is_floating_point()) for value in exact]

    def one_pass() -> object:
        output = pair.reference(*watched)
        return torch.autograd.grad(output.sum(), [value for value in watched if value.requires_grad])

    def gradcheck() -> bool:
        return torch.autograd.gradcheck(_function_of(pair), tuple(watched), fast_mode=True)

    return Contest(
        name=f"check-{name}-{power}",
        title=f"agreement: {name.replace('-', ' ')}, 2^{power} elements",
        size=1 << power,
        ours=Contestant("check_function", ours),
        peers=[
            Contestant(PASS, one_pass),
            Contestant(GRADCHECK, gradcheck),
            *(Contestant(name, functools.partial(wrong, factor)) for name, factor in WRONG.items()),
        ],
        goals={PASS: 1 / PASSES} if power == 20 else {},
        check=check,
    )


def _function_of(pair: Pair) -> Callable[..., Tensor]:
    """The pair as gradcheck takes it."""

    class Own(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *given: Tensor) -> Tensor:
            output, ctx.kept = pair.forward(*given)
            return output

        @staticmethod
        def backward(ctx: Any, upstream: Tensor) -> Any:
            return pair.backward(ctx.kept, upstream)

    return Own.apply
