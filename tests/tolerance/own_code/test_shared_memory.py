"""Code of another library whose operations are not seen: its memory comes in, or what it makes is copied."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference import check_function
from torch_reference.comparison import Verdict
from torch_reference.tolerance.own_code import own_roundings


def by_numpy(make: Callable[..., Any], above: Tensor, x: Tensor) -> Tensor:
    """What numpy makes of them, handed over as JAX hands over its arrays."""
    return torch.from_dlpack(make(above.numpy(), x.numpy()))  # type: ignore[attr-defined]


def in_place(make: Callable[..., Any], above: Tensor, x: Tensor) -> Tensor:
    """Made in memory that torch has filled with zeros."""
    found = torch.zeros_like(x)
    found.numpy()[:] = make(above.numpy(), x.numpy())
    return found


def by_lists(make: Callable[..., Any], above: Tensor, x: Tensor) -> Tensor:
    """What comes from torch is no memory, what goes there is."""
    return torch.from_numpy(make(*(np.array(each.tolist(), dtype=str(x.dtype)[6:]) for each in (above, x))))


WAYS = pytest.mark.parametrize("made_by", [by_numpy, in_place, by_lists])


def verdict(pair: Any, reference: Callable[..., Any], *inputs: Tensor) -> Verdict:
    """That on the gradient of the first input."""
    report = check_function(pair, reference, *inputs, wrt=[0], ways=[], draws=0)
    return next(each.row.verdict for each in report.findings if each.name == "inputs[0]")


@pytest.mark.medium
@WAYS
@pytest.mark.parametrize("rows", [1, 64])
def test_a_slope_made_of_the_output_is_right(made_by: Callable[..., Tensor], rows: int) -> None:
    """y + 1 of an ELU, as JAX has it, cancels where y is near -1, of a large point, too."""

    def slope(above: Any, x: Any) -> Any:
        return above * np.where(x > 0, np.float32(1), np.expm1(np.minimum(x, 0)) + np.float32(1))

    x = torch.linspace(-12, 3, 400 * rows)[torch.randperm(400 * rows)].reshape(-1, 400)
    right = functional.elu
    assert verdict((lambda x: (right(x), x), lambda x, g: made_by(slope, g, x)), right, x) is Verdict.AGREES
    wrong = lambda x, g: made_by(slope, g, x) * (1 + 2**-12)  # noqa: E731
    assert verdict((lambda x: (right(x), x), wrong), right, x) is Verdict.DIFFERS


@pytest.mark.medium
def test_an_exponential_of_more_roundings_than_that_of_float64_is_right() -> None:
    """numpy's in float32 is off by one and a half, in float64 by a half: three of these were refused."""

    def forward(x: Tensor) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(
            np.where(x > 0, x, np.exp(np.minimum(x.numpy(), 0)) - 1).astype(str(x.dtype)[6:])
        ), x

    x = 2 * torch.randn(1250, 4, generator=torch.Generator().manual_seed(0))
    pair = (forward, lambda x, above: above * x.clamp(max=0).exp())
    report = check_function(pair, functional.elu, x, ways=[], order=1)
    assert report.agrees, report


@pytest.mark.medium
@pytest.mark.parametrize(("factor", "expected"), [(1.0, Verdict.AGREES), (1.006, Verdict.DIFFERS)])
def test_what_16_bits_hide_its_formula_shows(factor: float, expected: Verdict) -> None:
    """torch's logsumexp is handed on in 16 bits, and 0.6 % of all of its gradient are a rounding of that."""

    def slope(above: Any, x: Any) -> Any:
        y = np.log(np.exp(x.astype("float64")).sum(-1, keepdims=True)).astype(x.dtype)
        return factor * np.exp(x - y, dtype=x.dtype) * above[:, None]

    def right(x: Tensor) -> Tensor:
        return torch.logsumexp(x, -1)

    def own(x: Tensor, above: Tensor) -> Tensor:
        return by_numpy(slope, above, x).to(x.dtype)

    x = 2 * torch.randn(64, 100, generator=torch.Generator().manual_seed(0)).half()
    assert verdict((lambda x: (right(x), x), own), right, x) is expected


@pytest.mark.medium
def test_numbers_of_16_bits_are_not_round_ones() -> None:
    """All are multiples of 1/256: what stayed where it was told of one rounding alone, which may be none."""

    def slope(above: Any, x: Any) -> Any:
        return above * np.where(x > 0, x.dtype.type(1), np.expm1(np.minimum(x, 0)) + x.dtype.type(1))

    x = (torch.arange(-1500, 200).reshape(17, 100) / 256).half()
    pair = (lambda x: (functional.elu(x), x), lambda x, g: by_numpy(slope, g, x))
    assert verdict(pair, functional.elu, x) is Verdict.LOSES_DIGITS


@pytest.mark.medium
@pytest.mark.parametrize(("factor", "expected"), [(1.0, Verdict.LOSES_DIGITS), (1.02, Verdict.DIFFERS)])
def test_all_in_16_bits_loses_digits(
    factor: float, expected: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A layer norm whose every operation is one of float16: as far off in float32, in roundings of that.

    It is run in float32 once, and not for roundings of float32 in 16 bits, too.
    """
    asked = list[int]()
    ask = own_roundings.explained_by_another
    monkeypatch.setattr(
        own_roundings, "explained_by_another", lambda own, **to: asked.append(1) or ask(own, **to)
    )

    def slope(above: Any, x: Any) -> Any:
        off = x - x.mean(-1, keepdims=True)
        scale = 1 / np.sqrt((off * off).mean(-1, keepdims=True) + x.dtype.type(1e-5))
        y = off * scale
        mean = (above * y).mean(-1, keepdims=True)
        return (above - above.mean(-1, keepdims=True) - y * mean) * scale * x.dtype.type(factor)

    def right(x: Tensor) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:])

    x = (torch.randn(64, 100, generator=torch.Generator().manual_seed(0)) + 3).half()
    assert verdict((lambda x: (right(x), x), lambda x, g: by_numpy(slope, g, x)), right, x) is expected
    assert len(asked) == 1


@pytest.mark.medium
@pytest.mark.parametrize("factor", [1.0, 1.02])
def test_what_computes_in_float32_whatever_it_is_given_has_no_other_formula(factor: float) -> None:
    """The gradient of gates by a difference of sums, as flash-linear-attention's: where 0 is right, 1e-7."""

    def recurrence(q: Tensor, k: Tensor, v: Tensor, gates: Tensor) -> Tensor:
        state, outputs = q.new_zeros(q.shape[1], v.shape[1]), []
        for step in range(len(q)):
            state = state * gates[step].exp()[:, None] + k[step][:, None] * v[step]
            outputs.append((q[step][:, None] * state).sum(0))
        return torch.stack(outputs)

    def backward(kept: Any, above: Tensor) -> tuple[Tensor, ...]:
        q, k, v, gates, d = (each.detach().float().numpy() for each in (*kept, above))
        state = np.zeros((q.shape[1], v.shape[1]), np.float32)
        d_q, d_k, d_v = np.empty_like(q), np.empty_like(k), np.empty_like(v)
        for step in range(len(q)):
            state = state * np.exp(gates[step])[:, None] + k[step][:, None] * v[step]
            d_q[step] = state @ d[step]
        after = np.zeros_like(state)
        for step in reversed(range(len(q))):
            after = after + q[step][:, None] * d[step]
            d_k[step], d_v[step] = after @ v[step], after.T @ k[step]
            after = after * np.exp(gates[step])[:, None]
        d_gates = factor * np.cumsum((q * d_q - k * d_k)[::-1], 0, dtype=np.float32)[::-1]
        return tuple(torch.from_numpy(each.copy()).to(above.dtype) for each in (d_q, d_k, d_v, d_gates))

    draws = torch.Generator().manual_seed(0)
    inputs = [torch.randn(20, 8, generator=draws) for _ in range(4)]
    inputs[3] = functional.logsigmoid(inputs[3])
    pair = (lambda *given: (recurrence(*given), given), backward)
    found = check_function(pair, recurrence, *(each.bfloat16() for each in inputs), order=1, ways=[], draws=0)
    kinds = {finding.name: finding.row.verdict.value for finding in found.findings if not finding.agrees}
    assert kinds == {"inputs[3]": "loses digits" if factor == 1 else "differs"}, found
