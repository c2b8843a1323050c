"""numpy's functions of arrays with a graph: the same numbers, and what has no graph is refused."""

import numpy as np
import pytest
import torch

from torch_reference.chain.arrays import ArraysKeepGraphs, GraphArray, plain, with_graph_arrays

X = np.random.default_rng(0).uniform(0.1, 0.9, (3, 4))
Y = np.random.default_rng(1).uniform(0.1, 0.9, (4, 3))
CALLS = {
    "operators": lambda x, y: (x @ y.T.T) * 2 - 1 / (x.dot(y) + 3) ** 2,
    "ufuncs": lambda x, _: (
        np.exp(x) + np.log(x) - np.tanh(x) * np.sqrt(x) + np.maximum(0.5, x) - np.square(x)
    ),
    "sums": lambda x, _: x.sum(axis=0) + np.mean(x, axis=0, keepdims=True) - x.max(0) + np.sum(x),
    "moments": lambda x, _: np.var(x, axis=1, ddof=1) - x.std(axis=1) + np.prod(x, axis=1),
    "shapes": lambda x, _: x.reshape(2, -1).swapaxes(0, 1)[::1, None] + np.expand_dims(x.T.ravel(), 0)[:, 0],
    "fortran": lambda x, _: np.reshape(x, (6, 2), order="F") + x.transpose(1, 0).reshape((6, 2)),
    "joined": lambda x, y: (
        np.concatenate((x, y.T), axis=1)[np.arange(3), [0, 1, 7]] + np.hstack((x, y.T))[:, 0]
    ),
    "stacked": lambda x, y: np.stack([x, y.T]) * np.vstack([x, x]).reshape(2, 3, 4),
    "padded": lambda x, _: np.pad(x, ((1, 1), (0, 2)), "constant") + np.tile(x[:1, :1], (5, 6)),
    "chosen": lambda x, _: np.where(x > 0.5, x, 0.0) + np.clip(x, 0.2, 0.4) + x.argmax(),
    "products": lambda x, y: np.outer(x[0], y[0]) + np.einsum("ij,jk->k", x, y) - np.tensordot(x, y, 1).sum(),
    "split": lambda x, _: (
        np.split(x, 2, axis=1)[1] - np.array_split(x, [2], axis=1)[0] + np.repeat(x[:, :1], 2, 1)
    ),
    "triangles": lambda x, y: (
        np.triu(x, k=1) + np.tril(x, k=-1) + np.diag(x[0], k=0)[:3] + np.diag(y, k=1)[0]
    ),
    "turned": lambda x, _: np.flipud(x) - np.fliplr(x) + np.diagonal(x, offset=1)[:, None],
    "moved": lambda x, _: np.roll(np.flip(x, 1), 1, axis=0) + np.cumsum(x, axis=0) + np.abs(-x).astype(float),
}


@pytest.mark.parametrize("name", CALLS)
def test_numbers_are_those_of_numpy(name: str) -> None:
    """Of every function that is known, in one call or another."""
    expected = CALLS[name](X, Y)
    found = CALLS[name](*(GraphArray(torch.tensor(value, requires_grad=True)) for value in (X, Y)))
    assert found.tensor.requires_grad
    assert found.shape == expected.shape
    assert np.allclose(plain(found), expected, rtol=1e-13, atol=0)


def test_a_part_that_is_written_keeps_the_graph_of_what_is_written() -> None:
    """In an array of zeros that a loop fills, made by the user's own np.zeros."""

    def filled(x):
        out = np.zeros((2, 3))
        for row in range(2):
            out[row] = 2 * x[row]
        out *= 3
        return out

    made, numpy = with_graph_arrays(filled)
    x = torch.ones(2, 3, dtype=torch.float64, requires_grad=True)
    out = made(GraphArray(x)).tensor
    [gradient] = torch.autograd.grad(out.sum(), x)
    assert (gradient == 6).all()
    numpy.is_open = False
    assert isinstance(made(np.ones((2, 3))), np.ndarray)
    assert isinstance(filled(np.ones((2, 3))), np.ndarray), "the user's own function stays as it is"


def _with_an_argument_that_torch_does_not_have(x):
    return np.sum(x, axis=0, where=[True])


@pytest.mark.parametrize(
    "lose", [np.asarray, np.add.reduce, np.sinc, np.isnan, _with_an_argument_that_torch_does_not_have]
)
def test_what_has_no_graph_here_has_the_same_numbers(lose) -> None:
    """Whether a graph with such a hole may be judged by is told by its gradient."""
    x = GraphArray(torch.full((1,), 0.7, dtype=torch.float64, requires_grad=True))
    assert lose(x) == lose(np.full(1, 0.7))
    assert float(x[0]) == x.item() == 0.7


def test_what_is_added_at_an_index_that_is_there_twice_is_added_twice() -> None:
    """np.add.at, with the graph of what is added; and in a plain array, without it."""
    x = torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64, requires_grad=True)
    table, numbers = GraphArray(torch.zeros(2, dtype=torch.float64)), np.zeros(2)
    for target in (table, numbers):
        np.add.at(target, np.array([1, 0, 1]), GraphArray(x))
    assert plain(table).tolist() == numbers.tolist() == [2.0, 5.0]
    [gradient] = torch.autograd.grad(table.tensor[1], x)
    assert gradient.tolist() == [1.0, 0.0, 1.0]


def test_an_array_like_a_plain_one_can_keep_a_graph() -> None:
    """np.empty_like of labels is filled with gradients."""
    made, _ = with_graph_arrays(lambda x, like: [np.zeros_like(like), np.empty_like(like, dtype=int)])
    kinds = [type(one) for one in made(GraphArray(torch.ones(2)), np.ones(2))]
    assert kinds == [GraphArray, np.ndarray]


def test_steps_are_constants() -> None:
    """A comparison, a sign and an index have no gradient, and are plain."""
    x = GraphArray(torch.tensor([-1.0, 2.0], requires_grad=True))
    assert [type(one) for one in (x > 0, np.sign(x), np.argmax(x))] == [np.ndarray, np.ndarray, np.int64]


def test_parameters_that_a_derivation_makes_arrays_of_keep_their_graph() -> None:
    """Other tensors become plain arrays."""
    x, data = torch.ones(2, requires_grad=True).clone(), torch.ones(2)
    with ArraysKeepGraphs():
        kinds = [type(one) for one in (x.numpy(), x.detach().numpy(), data.numpy())]
    assert kinds == [GraphArray, GraphArray, np.ndarray]


def test_functions_of_scipy_special_keep_the_graph() -> None:
    """A GELU in numpy takes erf from there; they are ufuncs as numpy's are."""
    special = pytest.importorskip("scipy.special")

    def function(x):
        return special.erf(x) * special.expit(x) + special.xlogy(x, x)

    found = function(GraphArray(torch.tensor(X, requires_grad=True)))
    assert found.tensor.requires_grad
    assert np.allclose(plain(found), function(X), rtol=1e-13, atol=0)
