"""Edits that are needed more rarely are among those that are tried."""

import ast

import pytest

from torch_reference.repair.edits.edits_in_order import _sooner
from torch_reference.repair.edits.source_edits import edits_of
from torch_reference.repair.edits.source_text import Source, TextEdit
from torch_reference.repair.likeliest_line import unread

NEEDED = [
    ("db = torch.sum(d)", "db = torch.sum(d, 0)"),
    ("c = w.mean()", "c = w.mean(-1, keepdim=True)"),
    ("s = d.mean((0, 2, 3))", "s = d.mean((2, 3))"),
    ("db = d.sum((0, 2))", "db = d.sum((0, 2, 3))"),
    ("g = d * s.rsqrt()", "g = d * s"),
    ("dW.index_copy_(0, i, d)", "dW.index_add_(0, i, d)"),
    ("da = dh * hs[t]", "da = dh * hs[t - 1]"),
    ("dx = up[0] * g", "dx = up[:, None] * g"),
    ("b = 2 * e.sum() / 4", "b = 2 * e.sum() / len(e)"),
    ("dx = dx / (N * T)", "dx = dx / mask.sum()"),
    ("dx = dx.clone()", "dx = dx * mask[:, None]"),
    ("dg = d * torch.tanh(g)", "dg = d * (1 - g ** 2)"),
    ("dn = dh * (1 - z)", "dn = dh * (z)"),
    ("dl = e * l", "dl = e * (l * (1 - l))"),
    ("dx = dy * sin + du * cos", "dx = dy * cos + du * sin"),
    ("dx = g.cumsum(1)", "dx = g.flip(1).cumsum(1).flip(1)"),
    ("gA = gA.clone()", "gA = 0.5 * (gA + gA.T)"),
    ("dW = x.T @ da", "dW = x.T @ da + dout.T @ h"),
    ("dx = dY * cdf", "dx = dY * (cdf + pdf * x)"),
    ("d = dout.reshape(-1, K)", "d = dout.permute(0, 2, 3, 1).reshape(-1, K)"),
    ("dx = d1.reshape(n)", "dx = (d1 + d2).reshape(n)"),
    ("f = q ** gamma", "f = q ** (gamma - 1)"),
    ("dW = h.T @ dt", "dW = (h * r).T @ dt"),
    ("dx = d * s * (1 - s)", "dx = d * s * (1 + z * (1 - s))"),
    ("da = d * h ** 2", "da = d * (1 - h ** 2)"),
    ("u = (1 + 0.0447 * a)", "u = (1 + 3 * 0.0447 * a)"),
    ("s = where(z > 0, 1, 0.02)", "s = where(z > 0, 1, 0.2)"),
]


@pytest.mark.parametrize(("wrong", "right"), NEEDED)
def test_the_edit_that_is_needed_is_tried(wrong: str, right: str) -> None:
    """With the names of the right line at hand."""
    [statement] = ast.parse(wrong).body
    names = sorted({node.id for node in ast.walk(ast.parse(right)) if isinstance(node, ast.Name)} - {"torch"})
    source = Source(wrong)
    assert right in {source.edited(edit) for edit in edits_of(source, statement, names)}


def test_an_attribute_is_put_in_place_of_another() -> None:
    """self.k for self.q, where the class has both."""
    [statement] = ast.parse("dq = ds @ self.q").body
    source, names = Source("dq = ds @ self.q"), ["ds", "self.q", "self.k"]
    edited = {source.edited(edit) for edit in edits_of(source, statement, names)}
    assert "dq = ds @ self.k" in edited


def test_the_largest_numbers_have_edits() -> None:
    """Twice of it is infinite."""
    [statement] = ast.parse("m = x * 1e308").body
    assert edits_of(Source("m = x * 1e308"), statement, [])


def test_no_sign_is_written_twice() -> None:
    """Neither --2 nor a - -b: there the sign that stands is left out, or turned."""
    for line in ("d = -2 * a - b * 3", "d = -a * b", "d = x[-1] - 2 * a"):
        [statement] = ast.parse(line).body
        source = Source(line)
        edited = [source.edited(edit) for edit in edits_of(source, statement, ["a", "b"])]
        assert not [one for one in edited if "--" in one or "+ -" in one or "- -" in one]
    assert "d = x[-1] - a" in edited


def test_from_ones_and_zeros_nothing_was_subtracted() -> None:
    """It is likelier that something lacks where they are used."""
    costs = []
    for line in ("onehot = F.one_hot(target)", "dx = gy * onehot"):
        [statement] = ast.parse(line).body
        source = Source(line)
        edits = edits_of(source, statement, ["p"])
        costs.append(
            min(edit.cost for edit in edits if "onehot - p" in edit.text or "target) - p" in edit.text)
        )
    assert costs[0] > costs[1]


def test_what_was_made_and_is_read_nowhere_is_likelier_to_be_put_in() -> None:
    """Before an edit of a line that needs none of it; most of all where a gradient is made of no gradient."""
    body = ast.parse("n = len(x)\ndstd = d.sum(0)\ndot = (d * x).sum(0)\ndx = dot * x\ndvar = 0.5 / std").body
    forgotten = unread(body)
    assert forgotten == {"n": 1, "dstd": 2, "dx": 4, "dvar": 5}
    texts = {3: "dot * x / n", 4: "0.5 / std * dstd"}
    found = [
        _sooner(TextEdit(0, 0, text, 4), body[line], forgotten, b"")
        for line in texts
        for text in (texts[line], "dot")
    ]
    assert found == [3, 0, 4, 0]


def test_what_stands_in_a_sum_is_not_added_to_it_again_first() -> None:
    """a + b + b is nobody's formula."""
    [statement] = ast.parse("dx = p + dz").body
    costs = {edit.text: edit.cost for edit in edits_of(Source("dx = p + dz"), statement, ["dz", "q"])}
    assert costs["p + dz + dz"] > costs["p + dz + q"]
    [statement] = ast.parse("dx = p - e + dz").body
    costs = {edit.text: edit.cost for edit in edits_of(Source("dx = p - e + dz"), statement, ["dz", "q"])}
    assert costs["p - e + dz"] > costs["p - e + q"]
