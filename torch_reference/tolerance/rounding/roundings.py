"""Random roundings: one pool of normal numbers for each draw, from which every operation takes a stretch.

A fresh normal number for each element of each result would cost more than the operations themselves. The
stretches of two operations begin at random places and one in two is mirrored, so that their roundings are
uncorrelated; from draw to draw the pool is drawn anew, so that the sum of many elements moves anew as well.

The pool of a large result repeats one block of numbers, each time with a sign of its own: E εᵢ εⱼ = 0, and so
the sum over all blocks has the variance that fresh numbers would give it.
"""

import math
import random
from functools import cache, lru_cache

import torch
from torch import Tensor

PLACES = 2**14
"""The places at which a stretch may begin."""
BLOCK = 2 * PLACES + 3
"""The fresh numbers of a pool that is larger than two of them: a prime, which no row's length divides."""
SPREAD = 1.5
"""Standard deviation of a rounding, in units of u = eps / 2, where a right one has 0.43 (docs/tolerance.md).
At 1, a result whose value lies low in its binade would stay where it is in two draws of three."""
LEAST = 0.7
"""No rounding is smaller than so many deviations: 1.05 u moves every number, 1 itself too, whose neighbour
lies 2 u above. What cancels to nothing, as 1 + erf(x) does, would have no bound where no draw moved it."""
PART = 0.125
"""Small ones are larger than that by this part of themselves. Were they all alike, two behind each other, as
those of log(1 + e⁻ˣ), would cancel to the last bit in one draw of seven."""

FINE = torch.float32
HALF = (torch.bfloat16, torch.float16)

SEEDS, KEPT = 64, 8
"""The numbers of so many seeds are kept, and so many pools that were made of them."""
FEW = 16
"""So many are kept from check to check, 8 MiB at most: to draw them takes longer than to move by them."""


@cache
def unit(dtype: torch.dtype) -> float:
    """u = eps / 2, the largest rounding of a number's value."""
    return float(torch.finfo(dtype).eps) / 2


class Roundings:
    """The roundings of one draw, the same ones for the same seed on every machine."""

    def __init__(self, seed: int, spread: float = SPREAD) -> None:
        """Draw nothing yet."""
        self.seed, self.spread = seed, spread
        self.random = random.Random(seed)
        self.is_used = False

    def move(self, result: Tensor, unit: float) -> None:
        """Move each element, in place, by its own rounding; an infinity or an exact zero stays as it is.

        Shapes: any; unit is the rounding's u
        """
        if result.layout != torch.strided:
            result = result._values() if result.layout == torch.sparse_coo else result.values()
        if result.dtype in HALF:
            # In 16 bits a factor of 1 + u z would be 1 most of the time.
            factor = self._factor(result, torch.float32, unit)
            result.copy_(
                result.float().mul_(factor) if result.dtype == torch.bfloat16 else _moved(result, factor)
            )
        elif result.is_complex():
            parts = _parts(result)
            size = result.abs().unsqueeze(-1).expand(parts.shape)
            self.add(parts, torch.where(size.isfinite(), size, 0.0), unit)
        else:
            result.mul_(self._factor(result, result.dtype, unit))

    def move_product(self, result: Tensor, count: float, unit: float, along: int | None) -> None:
        """Move products of so many factors, in place; along a dimension each is a factor of all behind it."""
        self.move(result, count**0.5 * unit)
        if along is not None:
            factors = torch.ones_like(result)
            self.move(factors, unit)
            result.mul_(factors.cumprod(along))

    def move_together(self, result: Tensor, unit: float) -> None:
        """Move all elements, in place, by one and the same rounding: that of a constant."""
        result.mul_(1 + unit * self._number())

    def leave_out(self, result: Tensor, size: Tensor) -> None:
        """Move each element, in place, by a part of these sizes, and all by the same part."""
        self.add(result, size.abs(), 1.0)
        result.add_(size, alpha=self._number())

    def _number(self) -> float:
        number = self.random.gauss(0.0, 1.0)
        return self.spread * math.copysign(max(abs(number), LEAST), number)

    def add(self, result: Tensor, size: Tensor, unit: float) -> None:
        """Move each element, in place, by a rounding of the given sizes."""
        if result.is_complex():
            result, size = _parts(result), size.unsqueeze(-1)
        numbers = self._stretch(self._pool(result), result)
        size = size if size.dtype == result.dtype else size.to(result.dtype)
        result.addcmul_(numbers, size, value=self._sign() * self.spread * unit)

    def _factor(self, like: Tensor, dtype: torch.dtype, unit: float) -> Tensor:
        """A stretch of 1 + u z."""
        self.is_used = True
        # Blocks have signs of their own.
        size = self.spread * unit if _is_large(like) else self._sign() * self.spread * unit
        return self._stretch(_factors(self.seed, _length(like), like.device, dtype, size), like)

    def _stretch(self, pool: Tensor, like: Tensor) -> Tensor:
        # In a pool of blocks two results that begin in different ones have other signs to each other.
        start = self.random.randrange(2 * BLOCK if _is_large(like) else PLACES)
        if like.is_contiguous():
            return pool.as_strided(like.shape, like.stride(), start)  # four times as fast as what follows
        return pool[start : start + like.numel()].view(like.shape)

    def _pool(self, like: Tensor) -> Tensor:
        self.is_used = True
        return _numbers(self.seed, _length(like), like.device, like.dtype)

    def _sign(self) -> int:
        return 1 if self.random.random() < 0.5 else -1


def _moved(result: Tensor, factor: Tensor) -> Tensor:
    """What is subnormal moves by a rounding of the smallest normal number: gradients are, in float16."""
    wide = result.float()
    size = wide.abs().clamp_(min=torch.finfo(result.dtype).tiny).copysign_(wide).masked_fill_(wide == 0, 0.0)
    return wide.addcmul_(size, factor - 1)


def _parts(value: Tensor) -> Tensor:
    """Its real and imaginary parts in its own memory, which may hold its conjugate, as lu_solve's does."""
    return torch.view_as_real(value.conj() if value.is_conj() else value)


def _is_large(like: Tensor) -> bool:
    return like.numel() > 2 * BLOCK


def _length(like: Tensor) -> int:
    """That of a pool: the next power of two, or number of blocks, so that many sizes share one."""
    if _is_large(like):
        return (like.numel() // BLOCK + 3) * BLOCK
    return 1 << (like.numel() + PLACES - 1).bit_length()


@lru_cache(maxsize=SEEDS)
def _drawn(seed: int, length: int, device: torch.device) -> Tensor:
    """Standard normal numbers, the small ones of them larger; read only."""
    generator = torch.Generator(device).manual_seed(seed)
    numbers = torch.empty(length, dtype=torch.float32, device=device).normal_(generator=generator)
    sizes = numbers.abs()
    is_small = sizes <= LEAST  # torch.where takes ten times as long as any of these
    large = torch.threshold(sizes, LEAST, 0.0)
    return sizes.mul_(PART).add_(LEAST).mul_(is_small).add_(large).copysign_(numbers)


@lru_cache(maxsize=KEPT)
def _numbers(seed: int, length: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """The same in that dtype, or blocks of them where they are many; read only."""
    if length % BLOCK == 0:
        return _blocks(seed, length, device, dtype, 1.0).reshape(-1)
    return _drawn(seed, length, device).to(dtype)


@lru_cache(maxsize=KEPT)
def _factors(seed: int, length: int, device: torch.device, dtype: torch.dtype, size: float) -> Tensor:
    """1 + size z; read only."""
    if length % BLOCK == 0:
        return _blocks(seed, length, device, dtype, abs(size)).add_(1.0).reshape(-1)
    one = torch.ones((), dtype=dtype, device=device)
    return torch.add(one, _numbers(seed, length, device, dtype), alpha=size)


def _blocks(seed: int, length: int, device: torch.device, dtype: torch.dtype, size: float) -> Tensor:
    """Shapes: (length / BLOCK, BLOCK), each row the first one or its negative."""
    block = _drawn(seed, 1 << BLOCK.bit_length(), device)[:BLOCK]
    signs = torch.randint(
        2, (length // BLOCK, 1), generator=torch.Generator().manual_seed(seed), device="cpu"
    )
    return (block * size).to(dtype) * (2 * signs - 1).to(device, dtype)


def forget_numbers() -> None:
    """Free what was drawn, if it is much; it is drawn again, the same, where it is wanted."""
    for known in (_numbers, _factors, *([_drawn] if _drawn.cache_info().currsize > FEW else [])):
        known.cache_clear()


def smallest(dtype: torch.dtype) -> float:
    """Below the smallest normal number a rounding is absolute, and some kernels flush to zero.

    Not so in float16, whose smallest normal number is no small one: kernels keep its subnormal numbers.
    """
    info = torch.finfo(dtype)
    return float(info.tiny * info.eps if dtype == torch.float16 else info.tiny)
