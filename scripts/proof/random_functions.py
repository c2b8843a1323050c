"""Random small functions, each with a right derivation by hand: a chain of links, each a kernel of its own.

A link computes in float32 inside where its numbers are in 16 bits, as kernels do. Its derivative is written
here; autograd's is the reference's. Between two links may stand a further input: a factor, a divisor, a term
of another shape, a matrix.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from proof import random_links
from proof.random_links import HALF, Link, finely

DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16, torch.complex128)
SCALES = (0.1, 0.5, 1.0, 2.0)
LONGEST = 5
INSIDE = ("", "fused", "reference in 16 bits")


class RandomFunction(NamedTuple):
    """A function with its derivation: (forward, backward), its plain reference, inputs, and its links."""

    pair: tuple[Callable[..., Any], Callable[..., Any]]
    reference: Callable[..., Tensor]
    inputs: list[Tensor]
    links: str

    def values(self) -> list[Tensor]:
        """All values between the links."""
        return list(self.pair[0](*self.inputs)[1][1])


def _norm(x: Tensor) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return centred * (centred.square().mean(-1, keepdim=True) + 1e-3).rsqrt()


def _norm_slope(g: Tensor, x: Tensor) -> Tensor:
    scale, h = (x.var(-1, correction=0, keepdim=True) + 1e-3).rsqrt(), _norm(x)
    return scale * (g - g.mean(-1, keepdim=True) - h * (g * h).mean(-1, keepdim=True))


def _softmax_slope(g: Tensor, x: Tensor) -> Tensor:
    y = torch.softmax(x, -1)
    return y * (g - (g * y).sum(-1, keepdim=True))


def _largest_slope(g: Tensor, x: Tensor) -> Tensor:
    place, total = x.argmax(-1, keepdim=True), g.sum(-1, keepdim=True)
    return torch.zeros_like(x).scatter(-1, place, total) - g


HOLOMORPHIC: dict[str, Link] = {
    "exp": (lambda x: torch.exp(x / 2), lambda g, x: g * torch.exp(x / 2).conj() / 2),
    "sin": (torch.sin, lambda g, x: g * torch.cos(x).conj()),
    "square": (torch.square, lambda g, x: 2 * g * x.conj()),
    "minus": (lambda x: 1 - x, lambda g, x: -g),
    "add up": (lambda x: x + x.sum(-1, keepdim=True), lambda g, x: g + g.sum(-1, keepdim=True)),
    "transpose": (lambda x: x.mT.clone(), lambda g, x: g.mT),
    "rows": (lambda x: x.flip(0), lambda g, x: g.flip(0)),
    "cumulate": (lambda x: x.cumsum(-1), lambda g, x: g.flip(-1).cumsum(-1).flip(-1)),
}
REAL: dict[str, Link] = {
    "tanh": (torch.tanh, lambda g, x: g / torch.cosh(x) ** 2),
    "sigmoid": (torch.sigmoid, lambda g, x: g * torch.sigmoid(x) * torch.sigmoid(-x)),
    "softplus": (torch.nn.functional.softplus, lambda g, x: g * torch.sigmoid(x)),
    "relu": (torch.relu, lambda g, x: g * (x > 0)),
    "abs": (torch.abs, lambda g, x: g * torch.sign(x)),
    "log": (lambda x: torch.log(1 + x * x), lambda g, x: g * 2 * x / (1 + x * x)),
    "root": (lambda x: torch.sqrt(1 + x * x), lambda g, x: g * x / torch.sqrt(1 + x * x)),
    "gauss": (lambda x: torch.exp(-x * x), lambda g, x: -2 * g * x * torch.exp(-x * x)),
    "softmax": (lambda x: torch.softmax(x, -1), _softmax_slope),
    "log softmax": (
        lambda x: torch.log_softmax(x, -1),
        lambda g, x: g - torch.softmax(x, -1) * g.sum(-1, keepdim=True),
    ),
    "norm": (_norm, _norm_slope),
    "largest": (lambda x: x.amax(-1, keepdim=True) - x, _largest_slope),
}
WITH_ANOTHER: dict[str, tuple[Link, Callable[[int, int], tuple[int, ...]]]] = {
    "times": ((torch.mul, lambda g, x, w: (g * w.conj(), g * x.conj())), lambda n, m: (n, m)),
    "gain": ((torch.mul, lambda g, x, w: (g * w.conj(), (g * x.conj()).sum(0))), lambda n, m: (m,)),
    "offset": ((torch.add, lambda g, x, w: (g, g.sum(0))), lambda n, m: (m,)),
    "of rows": (
        (torch.mul, lambda g, x, w: (g * w.conj(), (g * x.conj()).sum(1, keepdim=True))),
        lambda n, m: (n, 1),
    ),
    "matrix": ((torch.matmul, lambda g, x, w: (g @ w.mH, x.mH @ g)), lambda n, m: (m, 3)),
}
"""And the shape of what else it takes, of n rows and m columns."""
OVER: Link = (
    lambda x, w: x / (2 + w * w),
    lambda g, x, w: (g / (2 + w * w), -2 * g * x * w / (2 + w * w) ** 2),
)
WITH_ANOTHER["over"] = OVER, lambda n, m: (n, m)


def random_function(seed: int, dtype: torch.dtype, further: bool = False) -> RandomFunction:
    """The function of that number: one to LONGEST links, on up to six rows of as many columns.

    Further functions have the links of random_links.py, too; of three, one is a kernel that rounds at its end
    alone, and one has a reference that computes in 16 bits inside of its links, too.
    """
    chance, draws = random.Random(seed), torch.Generator().manual_seed(seed)
    rows, columns = chance.randint(1, 6), chance.randint(1, 6)
    shape, links = (rows, columns), list[tuple[str, Link, int | None]]()
    real = torch.float64 if not dtype.is_complex else dtype

    def drawn(*of: int) -> Tensor:
        return (chance.choice(SCALES) * torch.randn(of, generator=draws, dtype=real)).to(dtype)

    inputs = [drawn(*shape)]
    alone, with_another = _links(dtype, further)
    for _ in range(chance.randint(1, LONGEST)):
        name = chance.choice([*alone, *with_another])
        if name in alone:
            links.append((name, alone[name], None))
        else:
            link, of = with_another[name]
            inputs.append(drawn(*of(*shape)))
            links.append((name, link, len(inputs) - 1))
        with torch.no_grad():
            shape = tuple(_run(links[-1:], [torch.ones(shape, dtype=dtype), *inputs[1:]])[-1].shape)  # type: ignore[assignment]
    inside = chance.choice(INSIDE) if further else INSIDE[0]
    other = _as_it_is if inside == "reference in 16 bits" else _inside
    return RandomFunction(
        _pair(links, fused=inside == "fused"),
        lambda *given: _run(links, given, other)[-1],
        inputs,
        ", ".join([*(name for name, *_ in links), *([inside] if inside else [])]),
    )


def _links(dtype: torch.dtype, further: bool) -> tuple[dict[str, Link], dict[str, Any]]:
    """Those of x alone, and those that take another tensor."""
    alone = HOLOMORPHIC if dtype.is_complex else {**HOLOMORPHIC, **REAL}
    others = {name: of for name, of in WITH_ANOTHER.items() if name != "over" or not dtype.is_complex}
    if further:
        alone, others = {**alone, **random_links.HOLOMORPHIC}, {**others, **random_links.WITH_ANOTHER}
        if not dtype.is_complex:
            alone |= random_links.REAL
            others |= random_links.REAL_WITH_ANOTHER
    return alone, others


def _run(
    links: Sequence[tuple[str, Link, int | None]],
    given: Sequence[Tensor],
    inside: Callable[..., Any] | None = None,
) -> list[Tensor]:
    """The values between the links, the first input and the output among them."""
    values = [given[0]]
    for _, (forward, _), other in links:
        further = [] if other is None else [given[other]]
        values.append((inside or _inside)(forward, values[-1], *further))
    return values


def _as_it_is(function: Callable[..., Any], *given: Tensor) -> Any:
    return function(*given)


def _inside(function: Callable[..., Any], *given: Tensor) -> Any:
    """The function as a kernel: of 16 bits in float32, and rounded at its end."""
    dtype = given[0].dtype
    return _rounded(function(*map(finely, given)), dtype) if dtype in HALF else function(*given)


def _rounded(found: Any, dtype: torch.dtype) -> Any:
    return tuple(each.to(dtype) for each in found) if isinstance(found, tuple) else found.to(dtype)


def _pair(
    links: Sequence[tuple[str, Link, int | None]], fused: bool
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def forward(*given: Tensor) -> tuple[Tensor, Any]:
        values = _run(links, [*map(finely, given)] if fused else given)
        return values[-1].to(given[0].dtype), (given, values)

    def backward(saved: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        given, values = saved
        dtype, g = g.dtype, finely(g) if fused else g
        found: list[Tensor | None] = [None] * len(given)
        for (_, (_, slope), other), x in reversed(list(zip(links, values, strict=False))):
            if other is None:
                g = _inside(slope, g, x)
            else:
                g, of_other = _inside(slope, g, x, finely(given[other]) if fused else given[other])
                found[other] = of_other.to(dtype)
        found[0] = g.to(dtype)
        return tuple(found)

    return forward, backward
