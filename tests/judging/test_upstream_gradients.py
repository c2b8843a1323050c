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
