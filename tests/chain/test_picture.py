"""The chain as a picture: it is drawn, and in colours that the colour-blind can tell apart."""

import sys
from pathlib import Path

import pytest

from makemore import script
from torch_reference import check_links
from torch_reference.chain.graph import Graph
from torch_reference.chain.picture import COLOURS, draw_chain
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


def test_no_link_is_no_picture(tmp_path: Path) -> None:
    """One clear line."""
    with pytest.raises(ValueError, match="no link to draw"):
        draw_chain(ChainReport((), Graph(())), tmp_path / "chain.png")


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One clear line, which is right in a checkout as well as after pip install."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"^a picture needs matplotlib: pip install matplotlib$"):
        draw_chain(ChainReport((), Graph(())), tmp_path / "chain.png")
