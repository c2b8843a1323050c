"""Where no edit tells two lines apart: the one on which there is most to get wrong."""

import ast

from torch_reference.repair.likeliest_line import likeliest_first

SLOPE = """
s = sigmoid(x)
slope = s * (1 + x * (1 - s))
d_x = slope * d_y
"""
SCAN = """
d_h = d_hs[t] + carry
carry = d_h.clone()
"""
ROOM = """
d_padded = torch.zeros(n, c, t + k - 1)
d_x = d_padded[:, :, :t]
"""


def lines(text: str, here: int, confirmed: tuple[str, ...] = ()) -> tuple[int, ...]:
    """The lines, the likeliest first."""
    return likeliest_first(ast.parse(text).body, [here], confirmed)


def test_the_line_of_a_long_slope_is_likelier_than_that_of_a_product() -> None:
    """slope · d_y can hardly be wrong."""
    assert lines(SLOPE, 4) == (3, 4, 2)


def test_what_something_right_was_made_of_is_no_likely_line() -> None:
    """It comes last."""
    assert lines(SLOPE, 4, ("slope",)) == (4, 2, 3)


def test_where_a_value_only_gets_another_name_something_may_be_left_out() -> None:
    """carry = d_h, where a factor belongs."""
    assert lines(SCAN, 2) == (3, 2)


def test_a_line_that_only_makes_room_is_not_likely() -> None:
    """A wrong shape would raise an error."""
    assert lines(ROOM, 3) == (3, 2)
