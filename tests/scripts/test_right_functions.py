"""The program that draws right functions, and that what it draws can be wrong."""

import json

import pytest
import torch

import right_functions
from proof.random_functions import DTYPES, INSIDE, random_function
from torch_reference import check_function


@pytest.mark.medium
def test_nothing_that_is_right_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Four of each dtype; the same numbers draw the same functions."""
    assert right_functions.main(["20", "--start", "500", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found) == len(DTYPES)
    assert all(sum(kinds.values()) == 4 and kinds["agrees"] >= 3 for kinds in found.values())
    assert random_function(7, torch.float64).links == random_function(7, torch.float64).links


@pytest.mark.medium
def test_what_has_no_bound_is_open_and_not_refused() -> None:
    """The exponential of a sigmoid of a square, of which float16 leaves too little to tell."""
    assert right_functions.judged(311016, torch.float16)[0] == "inconclusive"


@pytest.mark.medium
def test_nothing_that_is_right_is_refused_of_further_links(capsys: pytest.CaptureFixture[str]) -> None:
    """Four of each dtype, of every way to round inside."""
    assert right_functions.main(["20", "--further", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert all(sum(kinds.values()) == 4 and kinds["agrees"] >= 3 for kinds in found.values())
    links = {random_function(number, torch.bfloat16, further=True).links for number in range(20)}
    assert {inside for inside in INSIDE if any(of.endswith(inside) for of in links)} == set(INSIDE)


@pytest.mark.medium
@pytest.mark.parametrize("further", [False, True])
def test_a_derivation_that_is_off_is_refused(further: bool) -> None:
    """A ten-thousandth too much, of any function that has a derivative at all."""
    for number in range(8):
        function = random_function(number, torch.float64, further)
        forward, backward = function.pair

        def off(saved: object, g: torch.Tensor, backward=backward) -> list:
            return [each * 1.0001 for each in backward(saved, g)]

        output, saved = forward(*function.inputs)
        is_zero = not any(bool(each.any()) for each in backward(saved, torch.ones_like(output)))
        off_by_some = (forward, off)
        report = check_function(off_by_some, function.reference, *function.inputs, ways=[], order=1, draws=0)
        assert is_zero or not report, (number, function.links)
