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
