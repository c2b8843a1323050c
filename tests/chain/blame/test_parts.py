"""A gradient in parts: d_x1 and d_x2 for two uses of x, each judged by itself."""

import pytest
import torch

from torch_reference.chain.blame.parts import stem_of_a_part
from torch_reference.chain.inside import links_of_function
from torch_reference.chain.report import ChainReport
from user_files import imported

SOURCE = """
def forward(x, w):
    h = x * w
    a = h.exp()
    b = h.sin()
    out = a * b
    return out, (x, w, h, a, b)


def backward(saved, dout):
    x, w, h, a, b = saved
    da = dout * b
    db = dout * a
    dh1 = da * a
    dh2 = db * h.cos()
    dh = dh1 + dh2
    dx = dh * w
    dw = dh * x
    return dx, dw
"""


def plain(x, w):
    """The same in plain torch."""
    return (x * w).exp() * (x * w).sin()


def checked(folder, changes: dict[str, str], reference=plain) -> ChainReport:
    """The links of the pair, with some of its text changed."""
    source = SOURCE
    for right, wrong in changes.items():
        assert right in source
        source = source.replace(right, wrong)
    module = imported(folder, "parts", source)
    torch.manual_seed(0)
    x, w, above = torch.randn(3, 4, 5).double()
    pair = module.forward, module.backward
    return links_of_function(pair, reference, [x, w], [True, True], [above])


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({}, []),
        ({"dh2 = db * h.cos()": "dh2 = db * h"}, ["dh2"]),
        ({"dh1 = da * a": "dh1 = -da * a"}, ["dh1"]),
        ({"dh = dh1 + dh2": "dh = dh1"}, ["dh"]),
        ({"dh = dh1 + dh2": "dh = dh1 - dh2"}, ["dh"]),
        ({"    dh = dh1 + dh2\n": "", "dh * ": "(dh1 + dh2) * ", "h.cos()": "h"}, ["dh2"]),
    ],
    ids=["right", "second", "first", "one forgotten", "sum", "no name for the sum"],
)
def test_the_wrong_part_is_named_and_a_right_one_is_not(tmp_path, changes, wrong) -> None:
    """Neither part is the gradient of h, and both are right as parts; of a forgotten one the sum is wrong."""
    report = checked(tmp_path, changes)
    assert [link.quantity.manual_name for link in report.wrong] == wrong, str(report)


def test_a_wrong_part_of_what_is_returned_is_named(tmp_path) -> None:
    """Nothing follows from it but the sum, which is returned."""
    split = {
        "out = a * b": "out = a * b + x",
        "    dx = dh * w\n": "    dx1 = dh * w\n    dx2 = -dout\n    dx = dx1 + dx2\n",
    }
    report = checked(tmp_path, split, lambda x, w: (x * w).exp() * (x * w).sin() + x)
    assert [link.quantity.manual_name for link in report.wrong] == ["dx2"], str(report)


def test_what_is_only_named_like_a_part_is_not_blamed(tmp_path) -> None:
    """x is used once, and its gradient may be split as one likes."""
    split = {"    dx = dh * w\n": "    dx1 = dh1 * w\n    dx2 = dh1 * w\n    dx = dx1 + dx2\n"}
    report = checked(tmp_path, split)
    assert [link.quantity.manual_name for link in report.wrong] == ["dx"], str(report)


def test_a_forgotten_term_is_called_one(tmp_path) -> None:
    """With how many there are."""
    [link] = checked(tmp_path, {"dh = dh1 + dh2": "dh = dh1"}).wrong
    assert link.diagnosis.kind == "term missing"
    assert "2 terms" in link.diagnosis.sentence


def test_a_part_is_told_by_its_name() -> None:
    """A digit, a letter or a word behind the name of the whole, but no name that only ends alike."""
    names = ("dx1", "dx_2", "d_x_a", "dW0_real", "dx", "d_loss_d_w12", "x")
    assert [stem_of_a_part(name) for name in names] == ["dx", "dx", "d_x", "dW0", "", "", ""]


@pytest.mark.parametrize("word", ["real", "fake"])
def test_a_part_that_is_named_by_a_word_is_judged_as_one(tmp_path, word) -> None:
    """Where the whole is their sum: without it, such a name may belong to anything."""
    named = {"dh1 = da * a": "dh_real = da * a", "dh2 = db * h.cos()": "dh_fake = db * h.cos()"}
    named |= {"dh = dh1 + dh2": "dh = dh_real + dh_fake", f"dh_{word} = ": f"dh_{word} = 2 * "}
    report = checked(tmp_path, named)
    assert [link.quantity.manual_name for link in report.wrong] == [f"dh_{word}"], str(report)
    unsummed = {key: value for key, value in named.items() if "dh1 + dh2" not in key}
    unsummed |= {"    dh = dh1 + dh2\n": "", "dx = dh": "dx = (dh_real + dh_fake)", "dw = dh": "dw = 0"}
    assert not any("dh" in one.quantity.manual_name for one in checked(tmp_path, unsummed).wrong)


def test_what_each_line_has_added_is_a_part(tmp_path) -> None:
    """Of dh = …, dh = dh + …, the line is wrong that has added what no use makes."""
    changes = {
        "    dh1 = da * a\n": "    dh = da * a\n",
        "    dh2 = db * h.cos()\n    dh = dh1 + dh2\n": "    dh = dh + db * h\n",
    }
    report = checked(tmp_path, changes)
    assert [link.quantity.place.source for link in report.wrong] == ["dh = dh + db * h"], str(report)


def test_a_line_that_spoils_what_was_right_is_the_wrong_one(tmp_path) -> None:
    """And not the one that returns it, which is right."""
    changes = {
        "    dx = dh * w\n": "    dx = dh * w\n    dx[2] *= 2\n",
    }
    report = checked(tmp_path, changes)
    assert [link.quantity.place.source for link in report.wrong] == ["dx[2] *= 2"], str(report)
