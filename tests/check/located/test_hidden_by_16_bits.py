"""A hundredth on a line in 16 bits: each link is within rounding there, and so is what no edit changes."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from torch_reference import check_derivation, check_function
from torch_reference.check.located import LocatedReport

pytestmark = pytest.mark.medium


def randn(*shape: int, seed: int = 0) -> Tensor:
    """Drawn in float64, for bfloat16."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).bfloat16()


def forward(x: Tensor, w: Tensor) -> tuple[Tensor, Any]:
    """An RMS norm, each operation in the precision of its inputs."""
    r = torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)
    return x * r * w, (x, w, r)


def backward(saved: Any, dy: Tensor) -> tuple[Tensor, Tensor]:
    """One line has a factor too many."""
    x, w, r = saved
    h = x * r
    dh = dy * w * 1.01
    c = (dh * h).mean(-1, keepdim=True)
    dx = r * (dh - h * c)
    dw = (dy * h).sum(0)
    return dx, dw


def edits(report: Any) -> list[str]:
    """The lines that the edits put in."""
    assert isinstance(report, LocatedReport)
    lines = [line for repair in report.repairs.found for line in repair.diff.splitlines()]
    return [line[1:].strip() for line in lines if line.startswith("+") and not line.startswith("+++")]


def test_the_line_of_a_function_and_its_edit() -> None:
    """Links and edits are judged in float64; that mean(1) is mean(-1) was taken for a mend of it."""
    report = check_function(
        (forward, backward), lambda x, w: forward(x, w)[0], randn(8, 16), randn(16), order=1
    )
    assert edits(report) == ["dh = dy * w"]
    assert report.inside.note == "judged with all operations in float64"


def derivation(parameters: Mapping[str, Tensor], inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """Of two layers; one line has a factor too many."""
    w1, b1, w2, b2 = (parameters[name] for name in ("0.weight", "0.bias", "2.weight", "2.bias"))
    z = inputs @ w1.T + b1
    s = torch.sigmoid(z)
    h = z * s
    out = h @ w2.T + b2
    d_out = 2 * (out - targets) / targets.numel()
    d_h = d_out @ w2
    d_z = 1.01 * d_h * (s + z * s * (1 - s))
    return {"0.weight": d_z.T @ inputs, "0.bias": d_z.sum(0), "2.weight": d_out.T @ h, "2.bias": d_out.sum(0)}


def test_the_line_of_a_networks_derivation_and_its_edit() -> None:
    """The model is a copy in float64 there; the one that was given is as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(6, 8), nn.SiLU(), nn.Linear(8, 4)).bfloat16()
    report = check_derivation(model, nn.MSELoss(), randn(16, 6), randn(16, 4, seed=1), derivation)
    assert edits(report) == ["d_z = d_h * (s + z * s * (1 - s))"]
    assert all(value.dtype == torch.bfloat16 for value in model.parameters())


def test_pytorch_is_not_to_blame_for_its_roundings() -> None:
    """Its own gradient in bfloat16 was farther off than the factor: "wrong is: PyTorch's" was said of it."""
    draws = torch.Generator().manual_seed(0)
    point = [torch.randn(*of, generator=draws, dtype=torch.float64) for of in ((8, 6), (6, 7), (7, 3))]
    x, w1, w2 = point[0].bfloat16(), point[1].bfloat16() / 2, point[2].bfloat16() / 2

    def layers(x: Tensor, w1: Tensor, w2: Tensor) -> Tensor:
        return torch.tanh(x @ w1) @ w2

    def spoilt(saved: Any, dy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, w1, w2 = saved
        h = torch.tanh(x @ w1)
        dz = (dy @ w2.T) * (1 - h * h)
        return 1.01 * (dz @ w1.T), x.T @ dz, h.T @ dy

    report = check_function((lambda *given: (layers(*given), given), spoilt), layers, x, w1, w2, order=1)
    [finding] = [finding for finding in report.findings if not finding.agrees]
    assert finding.wrong == "yours"
    assert finding.diagnosis is not None
    assert finding.diagnosis.kind == "constant factor"


def attention(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Any]:
    """Each later key is further away; its output is kept in 16 bits, and two quantities are called s."""
    s = q.float() @ k.float().mT * q.shape[-1] ** -0.5
    s = s - torch.arange(8.0)
    p = s.softmax(-1)
    out = (p @ v.float()).to(q.dtype)
    return out, (q, k, v, p, out)


def of_attention(saved: Any, d_out: Tensor) -> tuple[Tensor, ...]:
    """The gradient of the values lacks a row."""
    q, k, v, p, out = saved
    up = d_out.float()
    d_v = p[:, 1:].mT @ up[:, 1:]
    d_s = p * (up @ v.float().mT - (up * out.float()).sum(-1, keepdim=True))
    d_s = d_s * q.shape[-1] ** -0.5
    d_q, d_k = d_s @ k.float(), d_s.mT @ q.float()
    return tuple(each.to(q.dtype) for each in (d_q, d_k, d_v))


def test_what_is_right_but_for_what_was_saved_in_16_bits_is_not_blamed() -> None:
    """Nor which of two gradients of one name is meant is told by numbers that are off by that."""
    q, k, v = (randn(3, 8, 4, seed=seed) for seed in range(3))
    report = check_function((attention, of_attention), lambda *x: attention(*x)[0], q, k, v, ways=[])
    assert isinstance(report, LocatedReport)
    assert [link.quantity.manual_name for link in report.inside.wrong] == ["d_v"]
