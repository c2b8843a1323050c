"""Two mistakes at once: both links are named, and the right ones between them are not blamed."""

import pytest
import torch
from torch import nn

from torch_reference import check_derivation


def _by_hand(edits):
    """The derivation of a network of three linear layers, with each edited link 1e-6 too large."""

    def link(name, value):
        return value * (1 + 1e-6) if name in edits else value

    def derivation(p, inputs, targets):
        a = torch.tanh(inputs @ p["0.weight"].T + p["0.bias"])
        c = torch.tanh(a @ p["2.weight"].T + p["2.bias"])
        d = {"4": link("4", 2 * (c @ p["4.weight"].T + p["4.bias"] - targets))}
        d["3"] = link("3", d["4"] @ p["4.weight"])
        d["2"] = link("2", d["3"] * (1 - c**2))
        d["1"] = link("1", d["2"] @ p["2.weight"])
        d["0"] = link("0", d["1"] * (1 - a**2))
        weights = {f"{name}.weight": d[name].T @ below for name, below in (("4", c), ("2", a), ("0", inputs))}
        return d | weights | {f"{name}.bias": d[name].sum(0) for name in ("4", "2", "0")}

    return derivation


SLOW = [pytest.param(edits, marks=pytest.mark.slow) for edits in (("3", "0"), ("4", "2"), ("3", "2"))]


@pytest.mark.slow
@pytest.mark.parametrize("edits", [("4", "1"), *SLOW, ()])
def test_both_wrong_links_are_named_and_none_between(edits):
    """Each link is judged given the upstream gradient that the derivation itself hands on."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2)).double()
    inputs, targets = torch.randn(5, 3).double(), torch.randn(5, 2).double()
    report = check_derivation(model, lambda o, t: ((o - t) ** 2).sum(), inputs, targets, _by_hand(edits))
    assert {finding.name for finding in report.findings if finding.starts_here} == set(edits)
