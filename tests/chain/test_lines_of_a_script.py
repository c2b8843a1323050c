"""A script that is a function: its lines are named."""

import torch

from torch_reference import check_links


def test_of_a_function_that_returns_its_locals_the_line_is_named() -> None:
    """That which gave the wrong gradient its last value."""

    def squares():
        x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
        y = x * x
        loss = y.sum()
        d_y = torch.zeros(2, dtype=torch.float64)
        d_y = d_y + 1
        d_x = x.detach() * d_y
        return locals()

    report = check_links(squares)
    assert report.first_wrong.place.source == "d_x = x.detach() * d_y"
    assert "  ✗ d_x  wrong here  line " in str(report)
