"""Rules by which gradients of kernels for 16 bits are accepted today, and this project's.

Each is given the gradient, the exact one and what plain low precision makes of it; it says what passes.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

Rule = Callable[[Tensor, Tensor, Tensor], bool]


def _flash_attention(found: Tensor, exact: Tensor, plain: Tensor) -> bool:
    """Twice the largest error of the plain low-precision computation."""
    return bool((found.double() - exact).abs().max() <= 2 * (plain.double() - exact).abs().max())


def _rms_ratio(found: Tensor, exact: Tensor, _plain: Tensor) -> bool:
    """The root mean square of the error, 0.005 of that of the gradient at most."""
    off = (found.double() - exact).square().mean().sqrt()
    return bool(off < 0.005 * exact.square().mean().sqrt())


def _cosine(found: Tensor, exact: Tensor, _plain: Tensor) -> bool:
    """1 − 2⟨x, y⟩ / (|x|² + |y|²) below 0.001."""
    x = found.double()
    return bool(1 - 2 * (x * exact).sum() / (x * x + exact * exact).sum() < 1e-3)


def _fixed(found: Tensor, exact: Tensor, _plain: Tensor) -> bool:
    """An absolute and a relative tolerance of 0.01 each."""
    return torch.allclose(found.double(), exact, atol=1e-2, rtol=1e-2)


def _assert_close(found: Tensor, exact: Tensor, _plain: Tensor) -> bool:
    """torch.testing.assert_close with the defaults of its dtype."""
    try:
        torch.testing.assert_close(found, exact.to(found.dtype))
    except AssertionError:
        return False
    return True


RULES: Mapping[str, Rule] = {
    "twice plain low precision": _flash_attention,
    "RMS ratio 0.005": _rms_ratio,
    "cosine-like 0.001": _cosine,
    "atol = rtol = 0.01": _fixed,
    "assert_close's defaults": _assert_close,
}
