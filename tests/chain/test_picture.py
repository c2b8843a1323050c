"""The chain as a picture: it is drawn, and in colours that the colour-blind can tell apart."""

import sys
from pathlib import Path

import pytest
import torch

from makemore import script
from torch_reference import check_links
from torch_reference.chain.graph import Graph
from torch_reference.chain.picture import COLOURS, MOST_IN_A_ROW, _places, _shown, draw_chain
from torch_reference.chain.report import ChainReport
from torch_reference.chain.verdict import Status


@pytest.mark.slow
def test_a_chain_is_drawn(tmp_path: Path) -> None:
    """Twenty-six links, one of them wrong: a PNG."""
    report = check_links(script({"bnvar": "dbnvar_inv"}))
    draw_chain(report, tmp_path / "chain.png")
    assert (tmp_path / "chain.png").read_bytes().startswith(b"\x89PNG")


def test_every_status_has_a_colour_of_its_own() -> None:
    """Of one palette."""
    assert set(COLOURS) == set(Status)
    assert len(set(COLOURS.values())) == len(Status)


@pytest.mark.slow
def test_of_very_many_links_the_wrong_one_and_its_neighbours_are_drawn(tmp_path: Path) -> None:
    """A picture of all would be a metre high; the report says how many there are."""
    h = x = torch.ones(2, dtype=torch.float64).requires_grad_()
    values = [x, *(h := h * 1.01 for _ in range(79))]
    gradients = torch.autograd.grad(h.sum(), values, retain_graph=True)
    pairs = {f"h{place}": pair for place, pair in enumerate(zip(values, gradients, strict=True))}
    pairs["h40"] = (values[40], 2 * gradients[40])
    report = check_links(h.sum(), pairs)
    assert [report.links[index].quantity.name for index in _shown(report)] == ["h41", "h40", "h39"]
    draw_chain(report, tmp_path / "chain.png")


def test_many_links_of_one_depth_stand_in_several_rows() -> None:
    """No two in one place, and no row wider than a screen."""
    places = _places([0, *[1] * 20, 2])
    assert len(set(places)) == len(places)
    assert max(abs(x) for x, _ in places) <= MOST_IN_A_ROW / 2
    assert places[-1][1] < min(y for _, y in places[:-1])


@pytest.mark.medium
def test_no_link_is_no_picture(tmp_path: Path) -> None:
    """One clear line."""
    with pytest.raises(ValueError, match="no link to draw"):
        draw_chain(ChainReport((), Graph(())), tmp_path / "chain.png")


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One clear line, which is right in a checkout as well as after pip install."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"^a picture needs matplotlib: pip install matplotlib$"):
        draw_chain(ChainReport((), Graph(())), tmp_path / "chain.png")
