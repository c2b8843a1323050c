"""A script as a course writes it: gradients added up line by line, shapes that a later line broadcasts."""

from functools import partial

import torch
from torch import Tensor

from torch_reference import check_links
from torch_reference.chain.verdict import Status


def normalised(first: float = 1.0, second: float = 1.0, by_the_mean: bool = True, keeps: bool = False):
    """A batch norm without its gain, whose d_centred is added up, as makemore's lecture has it."""
    x = torch.randn(6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    mean = x.mean(0, keepdim=True)
    centred = x - mean
    variance = centred.square().mean(0, keepdim=True)
    inverse = (variance + 1e-5) ** -0.5
    y = centred * inverse
    loss = (y**3).sum()
    with torch.no_grad():
        d_y = 3 * y**2
        d_inverse = (centred * d_y).sum(0, keepdim=True)
        d_variance = -0.5 * (variance + 1e-5) ** -1.5 * d_inverse
        d_centred = first * inverse * d_y
        d_centred += second * 2 * centred / len(x) * d_variance
        d_mean = -d_centred.sum(0, keepdim=keeps)
        d_x = d_centred.clone()
        if by_the_mean:
            d_x += d_mean / len(x)
    return locals()


def lines(report) -> list[str]:
    """The source of each line that is blamed."""
    return [link.quantity.place.source for link in report.wrong]


def test_dimensions_of_1_that_a_later_line_broadcasts_are_no_mistake() -> None:
    """As in the lecture's own text; the same without lines, as in a notebook."""
    for keeps in (False, True):
        assert check_links(partial(normalised, keeps=keeps)), keeps
        assert check_links(normalised(keeps=keeps)), keeps


def test_the_shape_of_what_a_script_is_for_is_judged() -> None:
    """Nothing is made of it that would sum it later."""

    def row(x: Tensor, bias: Tensor):
        loss = (x + bias).square().sum()
        d_bias = (2 * (x + bias)).detach()
        return locals()

    x, bias = torch.ones(3, 2).double(), torch.ones(2).double().requires_grad_()
    (wrong,) = check_links(row(x, bias)).wrong
    assert wrong.quantity.name == "bias"


def test_of_a_sum_the_line_that_adds_what_is_wrong_is_named() -> None:
    """And not the last one that touches it."""
    report = check_links(partial(normalised, first=1.1))
    assert lines(report) == ["d_centred = first * inverse * d_y"], report
    report = check_links(partial(normalised, second=-1.0))
    assert lines(report) == ["d_centred += second * 2 * centred / len(x) * d_variance"], report


def test_a_line_that_was_forgotten_is_a_missing_term() -> None:
    """What is there is right as a part."""
    (wrong,) = check_links(partial(normalised, by_the_mean=False)).wrong
    assert (wrong.status, wrong.quantity.name) == (Status.WRONG, "x")
    assert wrong.diagnosis is not None
    assert wrong.diagnosis.kind == "term missing"
