"""What is mixed up in kernels: the heads of attention, and the groups of a norm."""

import pytest
import torch
from torch.nn import functional

from torch_reference import check_function


def drawn(*shape):
    """Normal numbers in float64."""
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(len(shape)))


def group_norm(over, over_products):
    """Group norm of two groups, whose backward averages over so many."""

    def forward(x, gain):
        grouped = x.reshape(len(x), 2, -1)
        variance, mean = torch.var_mean(grouped, -1, keepdim=True, correction=0)
        r = (variance + 1e-5).rsqrt().expand_as(grouped).reshape(x.shape)
        h = (x - mean.expand_as(grouped).reshape(x.shape)) * r
        return h * gain[:, None], (h, r, gain)

    def average(y, groups):
        grouped = y.reshape(len(y), groups, -1)
        return grouped.mean(-1, keepdim=True).expand_as(grouped).reshape(y.shape)

    def backward(kept, g):
        h, r, gain = kept
        d_h = g * gain[:, None]
        return r * (d_h - average(d_h, over) - h * average(d_h * h, over_products)), (g * h).sum((0, 2))

    return forward, backward


def grouped_query(fold):
    """Scores of four heads of queries with two heads of keys, whose gradient is folded so."""

    def forward(query, key):
        return query @ key.repeat_interleave(2, 1).mT, (query, key.repeat_interleave(2, 1))

    def backward(kept, g):
        query, keys = kept
        return g @ keys, fold(g.mT @ query)

    return forward, backward


def of_neighbours(d_keys):
    """What is right where each key serves two neighbours."""
    return d_keys.unflatten(1, (2, 2)).sum(2)


def of_every_second(d_keys):
    """What is right where all keys are repeated, one after the other."""
    return d_keys.unflatten(1, (2, 2)).sum(1)


@pytest.mark.parametrize(("over", "over_products", "said"), [(1, 1, "(over dim"), (4, 2, "in the mean over")])
@pytest.mark.sample(1)
def test_an_average_over_the_wrong_group_is_called_that(over, over_products, said) -> None:
    """All channels for one group's, half a group for a group; in one average or in both."""
    reference = lambda x, gain: functional.group_norm(x, 2, gain)  # noqa: E731
    pair, inputs = group_norm(over, over_products), (drawn(3, 4, 3), drawn(4))
    report = check_function(pair, reference, *inputs, ways=[], order=1, draws=2)
    first = report.first_wrong
    assert first.diagnosis.kind == "wrong group"
    assert said in first.diagnosis.sentence


def test_the_right_groups_agree() -> None:
    """Of the norm and of the heads."""
    reference = lambda x, gain: functional.group_norm(x, 2, gain)  # noqa: E731
    assert check_function(group_norm(2, 2), reference, drawn(3, 4, 3), drawn(4), ways=[], order=1).agrees
    scores = lambda query, key: query @ key.repeat_interleave(2, 1).mT  # noqa: E731
    pair = grouped_query(of_neighbours)
    assert check_function(pair, scores, drawn(2, 4, 3, 2), drawn(2, 2, 3, 2), ways=[], order=1).agrees


def test_a_gradient_that_goes_to_the_wrong_head_is_called_that() -> None:
    """Keys that serve neighbours get the gradients of every second query head."""
    scores = lambda query, key: query @ key.repeat_interleave(2, 1).mT  # noqa: E731
    pair, inputs = grouped_query(of_every_second), (drawn(2, 4, 3, 2), drawn(2, 2, 3, 2))
    report = check_function(pair, scores, *inputs, ways=[], order=1, draws=2)
    assert report.first_wrong.diagnosis.kind == "wrong head"
    assert "repeat_interleave" in report.first_wrong.diagnosis.sentence
