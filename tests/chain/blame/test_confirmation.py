"""A name that may mean something else is not blamed, and what follows it says so."""

import pytest
import torch

from torch_reference.chain.inside import links_of_function
from user_files import imported

SOURCE = """
def forward(x, w):
    h = x * w
    a = h.exp()
    return a.sin(), (x, w, h, a)


def backward(saved, dout):
    x, w, h, a = saved
    da = dout * a.cos()
    dh = 3 * da
    dx = 2 * da * w
    return dx, da * a * x
"""


def test_what_is_wrong_below_a_link_that_cannot_be_judged_may_be_so_above(tmp_path) -> None:
    """3 da is no gradient of h, but nothing follows from it; 2 da w is wrong, or dh was meant."""
    module = imported(tmp_path, "confirmation", SOURCE)
    torch.manual_seed(0)
    x, w, above = torch.randn(3, 4, 5).double()
    pair = module.forward, module.backward
    report = links_of_function(pair, lambda x, w: (x * w).exp().sin(), [x, w], [True, True], [above])
    [wrong] = report.wrong
    assert wrong.quantity.manual_name == "dx"
    assert wrong.reason == "or above, in what was not judged: dh"
    assert "? dh" in str(report)


def test_all_that_was_not_judged_above_a_wrong_link_is_told(tmp_path) -> None:
    """Only the last was, and the mistake may be in the first."""
    slopes = SOURCE.replace("da = dout * a.cos()", "da = a.cos()").replace("2 * da * w", "2 * dout * w")
    module = imported(tmp_path, "of_two", slopes.replace("return dx, da", "return dx, dout * da"))
    x, w, above = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0)).double()
    pair = module.forward, module.backward
    report = links_of_function(pair, lambda x, w: (x * w).exp().sin(), [x, w], [True, True], [above])
    [wrong] = report.wrong
    assert wrong.reason == "or above, in what was not judged: da, dh"


def test_what_is_derived_in_one_step_follows_from_above_a_name_that_means_something_else(tmp_path) -> None:
    """2 da is wrong, and da a x follows from it, with dh between them; da was "not judged", and dx blamed."""
    module = imported(tmp_path, "passed_over", SOURCE.replace("a.cos()\n", "a.cos() * 2\n"))
    torch.manual_seed(0)
    x, w, above = torch.randn(3, 4, 5).double()
    pair = module.forward, module.backward
    report = links_of_function(pair, lambda x, w: (x * w).exp().sin(), [x, w], [True, True], [above])
    assert [link.quantity.manual_name for link in report.wrong] == ["da", "dx"]


HELPERS = """
def affine(x, w):
    return x @ w, (x, w)


def affine_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout


def forward(x, v, w):
    a, c1 = affine(x, v)
    h = a.relu()
    out, c2 = affine(h, w)
    return out, (c1, a, c2)


def backward(saved, dout):
    c1, a, c2 = saved
    dh, dw = affine_backward(dout, c2)
    da = dh
    dx, dv = affine_backward(da, c1)
    return dx, dv, dw
"""


@pytest.mark.medium
def test_a_name_that_left_something_out_is_blamed_and_no_helper_that_made_it(tmp_path) -> None:
    """The helper's line makes others right; of the lines that handed it on, that which gave the name."""
    module = imported(tmp_path, "helpers_of_two", HELPERS)
    torch.manual_seed(0)
    inputs = [torch.randn(*shape).double() for shape in ((5, 3), (3, 4), (4, 2))]
    above = [torch.randn(5, 2).double()]
    pair = module.forward, module.backward
    report = links_of_function(pair, lambda x, v, w: (x @ v).relu() @ w, inputs, [True] * 3, above)
    assert [link.quantity.place.source for link in report.wrong] == ["da = dh"]


SCALED = """
import torch


def forward(x, w, v):
    q, k = x @ w, x @ v
    s = q @ k.T / 2
    s = torch.where(torch.ones_like(s).tril() > 0, s, -1e9)
    a = torch.softmax(s, -1)
    return a, (x, w, v, q, k, a)


def backward(saved, da):
    x, w, v, q, k, a = saved
    ds = a * (da - (da * a).sum(0, keepdim=True))
    ds = ds / 2
    dq = ds @ k
    dk = ds.T @ q
    return dq @ w.T + dk @ v.T, x.T @ dq, x.T @ dk
"""


def test_no_kind_is_told_of_a_link_by_what_may_mean_something_else(tmp_path) -> None:
    """The second ds is no gradient of s, and half of the first, which is no "constant factor" for that."""
    module = imported(tmp_path, "scaled", SCALED)
    torch.manual_seed(0)
    x, w, v, above = torch.randn(4, 4, 4).double()
    given = [x, w, v], [True] * 3, [above]
    pair = module.forward, module.backward
    report = links_of_function(pair, lambda *inputs: module.forward(*inputs)[0], *given)
    [wrong] = report.wrong
    assert wrong.quantity.place.source == "ds = a * (da - (da * a).sum(0, keepdim=True))", str(report)
    assert wrong.diagnosis is None, str(report)


def test_a_gradient_that_is_made_over_to_that_of_something_else_is_judged_before(tmp_path) -> None:
    """Of s, which is scaled already, ds is the gradient, and ds / 2 is that of q @ k.T, which has no name."""
    s = "s = torch.where(torch.ones_like(s).tril() > 0, s, -1e9)"
    assert s in SCALED
    module = imported(tmp_path, "scaled", SCALED.replace(s, ""))
    torch.manual_seed(0)
    x, w, v, above = torch.randn(4, 4, 4).double()
    given = [x, w, v], [True] * 3, [above]
    pair = module.forward, module.backward
    report = links_of_function(pair, lambda *inputs: module.forward(*inputs)[0], *given)
    sources = [one.quantity.place.source for one in report.wrong]
    assert sources == ["ds = a * (da - (da * a).sum(0, keepdim=True))"], str(report)
