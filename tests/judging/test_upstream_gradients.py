"""Random upstream gradients of large outputs."""

import torch

from torch_reference.judging.upstream_gradients import PERIOD, drawn_upstream


def test_numbers_that_are_drawn_once_and_repeated_are_not_equal() -> None:
    """Equal ones would round alike, and sums would have to allow for that."""
    output = torch.zeros(3, PERIOD)
    [found] = drawn_upstream({"outputs[0]": output}, seed=0).values()
    assert found.shape == output.shape
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert (found[one] == found[other]).double().mean() < 1e-3


def test_two_large_outputs_have_numbers_of_their_own_which_are_the_same_again() -> None:
    """What is kept from check to check is no other draw."""
    outputs = {"outputs[0]": torch.zeros(PERIOD + 1), "outputs[1]": torch.zeros(PERIOD + 1)}
    (one, other), (again, _) = (drawn_upstream(outputs, seed).values() for seed in (0, 0))
    assert torch.equal(one, again)
    assert (one == other).double().mean() < 1e-3


def test_what_is_done_to_the_numbers_that_are_kept_is_done_to_none_of_the_next_check() -> None:
    """Those of few numbers are kept, too."""
    outputs = {"outputs[0]": torch.zeros(3, dtype=torch.float64), "outputs[1]": torch.zeros(2, 3)}
    one, other = drawn_upstream(outputs, seed=0).values()
    assert one.dtype == torch.float64
    assert (one != other[0]).all()
    expected = one.clone()
    one.zero_()
    assert torch.equal(next(iter(drawn_upstream(outputs, seed=0).values())), expected)
