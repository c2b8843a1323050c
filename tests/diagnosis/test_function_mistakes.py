"""Mistakes of kernels and of hand-written Functions: each is called what it is."""

import pytest
import torch
from torch.nn import functional

from torch_reference import check_function

torch.manual_seed(0)
X = torch.randn(6, 4, dtype=torch.float64)
GAIN, BIAS = torch.rand(4, dtype=torch.float64) + 0.5, torch.randn(4, dtype=torch.float64)
ROWS = torch.tensor([0, 2, 2, 5, 0])
HALF = torch.linspace(0.1, 1.3, 2, dtype=torch.float64)
ANGLES = torch.cat([HALF, HALF])


def rotated(x):
    """A rotary embedding, without its positions."""
    a, b = x.chunk(2, -1)
    return x * ANGLES.cos() + torch.cat([-b, a], -1) * ANGLES.sin()


def turned(g):
    """The right derivative of it."""
    a, b = g.chunk(2, -1)
    return g * ANGLES.cos() + torch.cat([b, -a], -1) * ANGLES.sin()


def saved(x):
    """What layer norm keeps."""
    centred = x - x.mean(-1, keepdim=True)
    r = (centred.square().mean(-1, keepdim=True) + 1e-5).rsqrt()
    return centred * r, r


def layer_norm(change):
    """(forward, backward) of layer norm, with a change of its three sums."""

    def forward(x, gain, bias):
        h, r = saved(x)
        return h * gain + bias, (h, r, gain)

    def backward(kept, g):
        h, r, gain = kept
        mean, variance, factor = change
        d_h = g * (gain if factor else 1)
        total = d_h - mean * d_h.mean(-1, keepdim=True) - variance * h * (d_h * h).mean(-1, keepdim=True)
        return r * total, (g * h).sum(0), g.sum(0)

    return forward, backward


def one(forward, backward):
    """A pair of one input, which is all that is saved."""
    return lambda x: (forward(x), x), backward


def fused(x, gain, bias):
    """torch's own."""
    return functional.layer_norm(x, (4,), gain, bias)


def overwritten(kept, g):
    """Assigned, not added."""
    d = torch.zeros(6, 4, dtype=g.dtype)
    for position, row in enumerate(kept.tolist()):
        d[row] = g[position]
    return d


def quotient(x, g):
    """A difference quotient of x³."""
    step = 1e-6
    return g * ((x + step) ** 3 - (x - step) ** 3) / (2 * step)


def in_blocks(x, g):
    """Three of the six rows."""
    d = torch.zeros_like(x)
    d[:3] = 3 * x[:3] ** 2 * g[:3]
    return d


CASES = {
    "straight-through": (one(torch.round, lambda x, g: g + 0), torch.round, [2 * X]),
    "repeated index overwritten": (
        (lambda w: (w[ROWS], ROWS), overwritten),
        lambda w: functional.embedding(ROWS, w),
        [X],
    ),
    "one upstream element for all": (
        one(torch.sin, lambda x, g: g.flatten()[0] * x.cos()),
        torch.sin,
        [X],
    ),
    "upstream forgotten, alone": (one(torch.sin, lambda x, g: x.cos()), torch.sin, [X]),
    "last rows missing": (one(lambda x: x**3, in_blocks), lambda x: x**3, [X]),
    "last rows left out": (
        (lambda x, w: (x @ w, (x, w)), lambda kept, g: (g @ kept[1].T, kept[0][:4].T @ g[:4])),
        torch.matmul,
        [X, torch.randn(4, 3, dtype=torch.float64)],
    ),
    "halves exchanged": (
        one(rotated, lambda x, g: torch.cat(turned(g).chunk(2, -1)[::-1], -1)),
        rotated,
        [X],
    ),
    "few digits": (one(lambda x: x**3, quotient), lambda x: x**3, [X]),
    "single precision, where it cancels": (
        one(torch.tanh, lambda x, g: (g.float() * (1 - x.float().tanh() ** 2)).double()),
        torch.tanh,
        [X],
    ),
    "half precision": (one(lambda x: x**3, lambda x, g: (3 * x**2 * g).half().double()), lambda x: x**3, [X]),
    "not finite": (one(lambda x: x * x, lambda x, g: g / 0), lambda x: x * x, [X]),
    "path dropped": (layer_norm((0, 1, 1)), fused, [X, GAIN, BIAS]),
    "path dropped, the variance's": (layer_norm((1, 0, 1)), fused, [X, GAIN, BIAS]),
    "factor missing": (layer_norm((1, 1, 0)), fused, [X, GAIN, BIAS]),
    "row for column": (
        (
            lambda x, s: (x * s, (x, s)),
            lambda kept, g: (g * kept[1].T, (g * kept[0]).sum(1, keepdim=True)),
        ),
        lambda x, s: x * s,
        [X[:4], torch.rand(4, 1, dtype=torch.float64) + 0.5],
    ),
    "activation for the input": (
        (
            lambda x, w: ((x * w).tanh(), (x, w)),
            lambda kept, g: (
                g * (1 - (kept[0] * kept[1]).tanh() ** 2) * kept[1],
                (g * (1 - (kept[0] * kept[1]).tanh() ** 2) * kept[0].tanh()),
            ),
        ),
        lambda x, w: (x * w).tanh() + 0 * x.tanh(),
        [X, torch.rand(6, 4, dtype=torch.float64)],
    ),
    "another factor": (
        (
            lambda x, w, v: ((x * w).tanh() + v, (x, w, v)),
            lambda kept, g: (
                *(g * (1 - (kept[0] * kept[1]).tanh() ** 2) * kept[which] for which in (2, 0)),
                g.clone(),
            ),
        ),
        lambda x, w, v: (x * w).tanh() + v,
        [X, X.flip(0), X.flip(1)],
    ),
    "symmetric part, one triangle of it": (
        one(lambda a: torch.linalg.eigvalsh(a), lambda a, g: in_one_triangle(a, g)),
        torch.linalg.eigvalsh,
        [X.T @ X],
    ),
}


def in_one_triangle(a, g):
    """The gradient of the eigenvalues, as autograd of HIPS hands it back."""
    full = (vectors := torch.linalg.eigh(a).eigenvectors) @ (g[:, None] * vectors.T)
    return (full + full.T - full.diag().diag()).tril()


@pytest.mark.sample(2)
@pytest.mark.parametrize("case", CASES)
def test_a_functions_mistake_is_called_what_it_is(case: str) -> None:
    """One gradient is wrong in each, and its kind is the case's name."""
    function, reference, inputs = CASES[case]
    report = check_function(function, reference, *inputs)
    found = [f.diagnosis.kind for f in report.findings if not f.agrees and f.diagnosis]
    assert found == [case.split(",")[0]], str(report)


def test_an_error_that_depends_on_x_is_no_constant_at_zero_and_one() -> None:
    """At inputs of 0 and 1 alone, which are kept as masks are, anything is a constant factor."""
    wrong = one(functional.silu, lambda x, g: g * torch.sigmoid(x) * (1 + x))
    x = torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64)
    kinds = {f.diagnosis.kind for f in check_function(wrong, functional.silu, x).findings if f.diagnosis}
    assert kinds <= {"unknown", "factor missing", "derivative missing", "derivative of another function"}


def test_one_number_in_brackets_is_no_forgotten_sum() -> None:
    """The right value in shape (1,) for a number."""
    wrong = (lambda w: (3 * w.sum(), w), lambda w, g: (3 * g).reshape(1))
    report = check_function(wrong, lambda w: 3 * w.sum(), torch.tensor(2.0, dtype=torch.float64))
    assert report.first_wrong.diagnosis.kind == "another shape", str(report)


def test_a_number_that_is_short_by_itself_was_not_rounded_to_16_bits() -> None:
    report = check_function(one(lambda x: 2.001 * x, lambda x, g: 2 * g), lambda x: 2.001 * x, X, order=1)
    [wrong] = [each for each in report.findings if not each.agrees]
    assert wrong.diagnosis.kind == "constant factor"
    sure = check_function(
        one(lambda x: 2.001 * x, lambda x, g: 2 * torch.ones_like(g)),
        lambda x: 2.001 * x,
        X,
        upstream=[torch.ones_like(X)],
        order=1,
    )
    [wrong] = [each for each in sure.findings if not each.agrees]
    assert wrong.diagnosis.kind != "half precision"
