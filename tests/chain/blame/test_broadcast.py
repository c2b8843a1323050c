"""A gradient that is summed, or reshaped, later than where it is named: a right one is not blamed."""

import pytest
import torch

from torch_reference.chain.inside import links_of_function
from torch_reference.chain.report import ChainReport
from user_files import imported

SOURCE = """
def forward(hs, h):
    hr = h.reshape(len(h), 1, -1)
    t = hs * hr
    s = t.sum(2)
    a = torch.softmax(s, 1)
    ar = a.reshape(*a.shape, 1)
    c = (hs * ar).sum(1)
    return c, (hs, hr, a, ar)


def backward(saved, dc):
    hs, hr, a, ar = saved
    dct = dc.reshape(len(dc), 1, -1).repeat(1, hs.shape[1], 1)
    dar = dct * hs
    dhs0 = dct * ar
    da = dar.sum(2)
    ds = a * (da - (da * a).sum(1, keepdim=True))
    dt = ds.reshape(*ds.shape, 1).repeat(1, 1, hs.shape[2])
    dhs1 = dt * hr
    dhr = dt * hs
    dh = dhr.sum(1)
    return dhs0 + dhs1, dh
"""
NOT_SUMMED = """
def forward(x, w):
    r = x.square().sum(1, keepdim=True)
    s = r.sqrt()
    return x * s * w, (x, w, r, s)


def backward(saved, dout):
    x, w, r, s = saved
    ds = dout * w * x
    dr = ds / (2 * s)
    dx = dout * w * s + 2 * x * dr
    return dx, (dout * x * s).sum(0)
"""


def attention(hs, h):
    """Steps weighed by a softmax of their products with one state."""
    weights = torch.softmax(torch.einsum("nth,nh->nt", hs, h), 1)
    return torch.einsum("nt,nth->nh", weights, hs)


def checked(folder, source: str, changes: dict[str, str], reference, *shapes) -> ChainReport:
    """The links of the pair, with some of its text changed."""
    for right, wrong in changes.items():
        assert right in source
        source = source.replace(right, wrong)
    module = imported(folder, "broadcast", source)
    torch.manual_seed(0)
    inputs = [torch.randn(shape).double() for shape in shapes]
    above = torch.randn_like(reference(*inputs))
    return links_of_function(
        (module.forward, module.backward), reference, inputs, [True] * len(inputs), [above]
    )


@pytest.mark.medium(2)
@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({}, []),
        ({"dar = dct * hs": "dar = dct * hr"}, ["dar"]),
        ({"da = dar.sum(2)": "da = dar.mean(2)"}, ["da"]),
        ({"dhs1 = dt * hr": "dhs1 = dt * hs"}, ["dhs1"]),
        ({"dhr = dt * hs": "dhr = dt * hr"}, ["dhr"]),
        ({"dh = dhr.sum(1)": "dh = 2 * dhr.sum(1)"}, ["dh"]),
        ({"dct * hs": "(dct * hs).sum(2)", "dar.sum(2)": "dar"}, []),
        ({"dct * hs": "(dct * hs).mean(2)", "dar.sum(2)": "dar"}, ["dar"]),
        ({"dct * hs": "(dct * hs).sum(2)", "dar.sum(2)": "2 * dar"}, ["da"]),
    ],
)
def test_only_the_wrong_line_is_blamed(tmp_path, changes, wrong) -> None:
    """Neither dar nor dhr has the shape of what it is the gradient of, and both are right."""
    report = checked(tmp_path, SOURCE, changes, attention, (2, 3, 4), (2, 4))
    assert [link.quantity.manual_name for link in report.wrong] == wrong, str(report)


def test_a_sum_that_nobody_makes_is_missing(tmp_path) -> None:
    """Of ds, on which dr depends element by element, as does the gradient that is returned."""

    def reference(x, w):
        return x * x.square().sum(1, keepdim=True).sqrt() * w

    report = checked(tmp_path, NOT_SUMMED, {}, reference, (4, 3), (3,))
    assert report.wrong[0].quantity.manual_name == "ds", str(report)
    right = {"dout * w * x\n": "(dout * w * x).sum(1, keepdim=True)\n"}
    assert not checked(tmp_path, NOT_SUMMED, right, reference, (4, 3), (3,)).wrong


POLICY = """
import torch


def forward(states, w):
    logits = states @ w
    p = torch.softmax(logits, 1)
    entropy = -(p * p.log()).sum(1)
    return entropy.mean(), (states, w, p, entropy)


def backward(saved, dloss):
    states, w, p, entropy = saved
    dentropy = -p * (p.log() + entropy[:, None])
    dlogits = dloss * dentropy
    dlogits = dlogits / len(p)
    return dlogits @ w.T, states.T @ dlogits
"""


def test_what_has_more_dimensions_than_its_quantity_is_not_blamed(tmp_path) -> None:
    """The derivative of the entropy by the logits is called dentropy, and is no gradient of the entropy."""
    source = POLICY.replace("dlogits / len(p)", "dlogits / w.shape[0]")
    module = imported(tmp_path, "policy", source)
    torch.manual_seed(0)
    states, w = torch.randn(5, 4).double(), torch.randn(4, 3).double()
    pair = module.forward, module.backward
    report = links_of_function(
        pair, lambda *given: module.forward(*given)[0], [states, w], [True] * 2, [torch.tensor(1.0).double()]
    )
    [wrong] = report.wrong
    assert wrong.quantity.manual_name == "dlogits", str(report)
    assert "not judged: has more dimensions" in str(report)
