"""Where no edit tells two lines apart: the one on which there is most to get wrong."""

import ast

from torch_reference.repair.likeliest_line import likeliest_first, unread

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


GELU = """
u = s * (x + 0.044715 * x ** 3)
t = np.tanh(u)
du = s * (1 + 0.134145 * x ** 2)
dx = 0.5 * (1 + t)
return grad * dx
"""


def lines(
    text: str, here: int, confirmed: tuple[str, ...] = (), forgotten: int | None = None
) -> tuple[int, ...]:
    """The lines, the likeliest first."""
    return likeliest_first(ast.parse(text).body, [here], confirmed, forgotten)


def test_the_line_of_a_long_slope_is_likelier_than_that_of_a_product() -> None:
    """slope · d_y can hardly be wrong."""
    assert lines(SLOPE, 4) == (3, 4, 2)


def test_what_something_right_was_made_of_is_none_of_them() -> None:
    """Not only the wrong link needs it."""
    assert lines(SLOPE, 4, ("slope",)) == (4, 2)


def test_where_a_value_only_gets_another_name_something_may_be_left_out() -> None:
    """carry = d_h, where a factor belongs."""
    assert lines(SCAN, 2) == (3, 2)


def test_a_line_that_only_makes_room_is_not_likely() -> None:
    """A wrong shape would raise an error."""
    assert lines(ROOM, 3) == (3, 2)


def test_nobody_means_x_equals_x_nor_two_names_for_one_value_in_one_line() -> None:
    """Something was left out where they were made."""
    twice = "\nd_h = d_y * g\nd_mean = d_h\nd_var = (d_h * h).mean()\nd_x = r * (d_h - d_mean - h * d_var)\n"
    assert lines(twice, 5)[0] == 3
    same = "\nd_x = d_t @ w.T\nd_x = d_x\nd_x = d_x + d_z @ v.T\n"
    assert lines(same, 4)[0] == 3
    part = "\ngrad = x.T @ (h - y) / m\ngrad[1:] = grad[1:]\nd_w = grad\n"
    assert lines(part, 4)[0] == 3


def test_what_is_made_and_never_read_is_missing_below() -> None:
    """du of a GELU whose second term was forgotten."""
    assert unread(ast.parse(GELU).body) == {"du": 4}
    assert lines(GELU, 6)[0] == 2
    assert lines(GELU, 6, forgotten=4)[:2] == (5, 6)


def test_a_line_that_made_what_is_right_is_no_likely_line() -> None:
    """Whatever there is to get wrong in it."""
    text = "\nds = a * (da - (da * a).sum(-1, keepdims=True))\nds = ds * scale\ndq = ds @ self.q\n"
    assert likeliest_first(ast.parse(text).body, [4], right=[2])[0] == 4
    assert likeliest_first(ast.parse(text).body, [4])[0] == 2
