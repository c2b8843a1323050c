"""Where a mistake may be: the wrong link's line, and those whose variables only it needs."""

import ast

from torch_reference.repair.statement_ranges import from_to
from torch_reference.repair.suspect_lines import suspects

SCAN = """
a, hs = saved
carry = zeros
for t in rounds:
    dh = dhs[t] + carry
    da[t] = dh * hs[t]
    carry = a[t] * dh
"""
ANEW = """
ds = p * (dp - delta)
ds = ds * (1 - t)
dq = ds @ k
"""


def statements(text: str) -> list[ast.stmt]:
    """All statements, those of loops too."""
    return [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt)]


def lines(text: str, wrong: int, linked: set[str]) -> list[int]:
    """The suspect lines, the likeliest first."""
    return [one.lineno for one in suspects(statements(text), [[wrong]], linked)]


def test_a_later_line_of_a_loop_may_have_made_the_wrong_link_of_the_next_round() -> None:
    """What is carried from round to round is made below where it is read."""
    assert 7 in lines(SCAN, 5, {"dh", "da"})


def test_a_variable_that_is_made_anew_is_suspect_though_one_value_of_it_is_right() -> None:
    """Only one of its values was judged; the nearest line to the wrong link comes first."""
    assert lines(ANEW, 4, {"ds", "dq"}) == [4, 3, 2]


def test_what_a_loop_writes_entry_by_entry_is_judged_after_its_last_round() -> None:
    """One round makes one entry: no edit would make the whole right in the last round alone."""
    body = ast.parse(SCAN).body
    entry = next(node for one in body for node in ast.walk(one) if getattr(node, "lineno", 0) == 6)
    assert isinstance(entry, ast.stmt)
    assert [(block[0].lineno, in_loop) for block, in_loop in from_to(body, entry, 6)] == [(4, False)]


def test_what_is_added_to_a_right_gradient_piece_by_piece_is_no_suspect() -> None:
    """Of an array that is filled the last value was judged, and all pieces are in it."""
    filled = "dxp = zeros\nfor j in rounds:\n    dxp[j] += dy * w\ndx = dxp[2:]\n"
    assert lines(filled, 4, {"dxp"}) == [4]
    assert 3 in lines(filled, 4, set())


def test_what_is_returned_beside_a_wrong_gradient_is_right_whatever_made_it() -> None:
    """Several are made in one line, added to in a loop, and returned in one line."""
    made = "da, db = zeros, zeros\nfor t in rounds:\n    da += a[t] * dh\n    db[t] = dh\nd_all = da, db\n"
    found = [one.lineno for one in suspects(statements(made), [[4, 5]], {"da", "dh"})]
    assert set(found) == {1, 2, 4, 5}


def test_what_is_written_through_a_view_is_written_to_what_it_is_a_view_of() -> None:
    """And what only reads the view changes nothing."""
    viewed = (
        "d_x = p.clone()\nrows = d_x.view(-1, 5)\nrows[i] -= 1\nother = rows.sum()\nd_x *= d_out\nout = d_x\n"
    )
    assert set(lines(viewed, 6, set())) == {1, 2, 3, 5, 6}
