"""A directional derivative by a complex step: as sharp as the values themselves, and no rule of autograd's.

Formula: Im f(x + ih v) / h for a tiny h: nothing is subtracted, so that nothing cancels
Source:  Squire and Trapp, Using complex variables to estimate derivatives of real functions, 1998
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from torch_reference.layers.own_generator import own_generator
from torch_reference.tolerance.rounding.uncompiled import Uncompiled

STEP = 1e-100
SAMPLES = 4
NO_DERIVATIVE = {"_conj", "conj_physical", "_conj_physical", "sgn", "sign"}


def _softmax(z: Tensor, dim: int, *_: Any) -> Tensor:
    powers = torch.exp(z - z.real.amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)


def _log_softmax(z: Tensor, dim: int, *_: Any) -> Tensor:
    z = z - z.real.amax(dim, keepdim=True)
    return z - torch.exp(z).sum(dim, keepdim=True).log()


SEEN_THROUGH: dict[str, Callable[..., Tensor]] = {
    "abs": lambda z: torch.where(z.real < 0, -z, z),
    "relu": lambda z: torch.where(z.real > 0, z, 0.0),
    "_softmax": _softmax,
    "_log_softmax": _log_softmax,
}
"""What torch has not for complex numbers, or not as the same function of them: decided by the real part."""


class NotHolomorphicError(ValueError):
    """An operation that a complex step does not see through, such as an absolute value."""


class Holomorphic(Uncompiled):  # type: ignore[no-untyped-call] # torch leaves it untyped
    """Refuse what makes real numbers of complex ones: what is left out of them would be missing."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation, and look at what it made."""
        name = func.overloadpacket.__name__
        if name in SEEN_THROUGH and _is_complex(args[0]):
            return SEEN_THROUGH[name](*args)
        results = func(*args, **(kwargs or {}))
        if any(_is_complex(leaf) for leaf in tree_leaves((args, kwargs))):
            is_real = any(isinstance(one, Tensor) and one.is_floating_point() for one in tree_leaves(results))
            if name in NO_DERIVATIVE or is_real:
                raise NotHolomorphicError(name)
        return results


def by_complex_step(imaginary: Callable[[float, int], float]) -> tuple[float, float] | None:
    """(the derivative, what it may be off by); None where an operation takes no complex number.

    imaginary(h, seed) is the imaginary part for a step of ih; with another seed than 0 every number of the
    point is moved by a rounding of float64, so that what cancels in the values shows how far it is off.
    """
    try:
        with torch.no_grad(), Holomorphic():
            found = [imaginary(STEP, seed) / STEP for seed in range(SAMPLES)]
    except Exception:  # the function is the user's, and complex numbers are none that it was given
        return None
    return with_spread(found)


def with_spread(found: Sequence[float]) -> tuple[float, float] | None:
    """(the first of them, what it may be off by): those at points beside it tell what roundings make."""
    spread = max(abs(other - found[0]) for other in found)
    error = 8 * spread + 16 * 2.0**-52 * abs(found[0])
    return (found[0], error) if error < float("inf") else None


def moved_alike(point: Mapping[str, Tensor], seed: int) -> dict[str, Tensor]:
    """Each number times 1 + u or 1 - u; as it is for a seed of 0."""
    generator = own_generator(seed)

    def beside(value: Tensor) -> Tensor:
        if not seed or not value.is_floating_point():
            return value
        signs = torch.randint(0, 2, value.shape, generator=generator, device="cpu").to(value) * 2 - 1
        return value * (1 + 2.0**-52 * signs)

    return {name: beside(value) for name, value in point.items()}


def _is_complex(leaf: Any) -> bool:
    return isinstance(leaf, Tensor) and leaf.is_complex()
