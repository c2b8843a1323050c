"""Some of torch's own on a processor does not look, and ends the process: no way calls it so."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 # torch's own name for it

from torch_reference import check_function
from torch_reference.judging.calls.cuts import Indexing, Survived


def test_attention_of_more_keys_than_values_is_an_error() -> None:
    """By position and by name."""
    q, k = torch.randn(1, 2, 12, 8), torch.randn(1, 2, 37, 8)
    with Survived():
        F.scaled_dot_product_attention(k, q, q)
        with pytest.raises(RuntimeError, match="attention of 37 keys to 12 values"):
            F.scaled_dot_product_attention(q, k, q)
        with pytest.raises(RuntimeError, match="attention of 12 keys to 37 values"):
            F.scaled_dot_product_attention(q, value=k, key=q)


@pytest.mark.medium
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_no_way_asks_for_it(dtype: torch.dtype) -> None:
    """Where one input alone has other rows; with other queries it is asked, as it may be."""
    lengths = set()

    def reference(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        found = F.scaled_dot_product_attention(q, k, v)
        lengths.add((q.shape[-2], k.shape[-2], v.shape[-2]))
        return found

    def forward(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        shares = torch.softmax(q.float() @ k.float().mT / q.shape[-1] ** 0.5, -1)
        return (shares @ v.float()).to(q.dtype), (q, k, v, shares)

    def backward(saved: tuple[Tensor, ...], up: Tensor) -> tuple[Tensor, ...]:
        q, k, v, shares = (each.float() for each in saved)
        along = up.float() @ v.mT
        d = shares * (along - (along * shares).sum(-1, keepdim=True)) / q.shape[-1] ** 0.5
        return tuple(each.to(up.dtype) for each in (d @ k, d.mT @ q, shares.mT @ up.float()))

    inputs = (torch.randn(1, 2, 12, 8, dtype=dtype) for _ in range(3))
    report = check_function((forward, backward), reference, *inputs, ways=["columns"], order=1)
    assert report, str(report)
    assert all(keys == values for _, keys, values in lengths)
    assert any(queries != keys for queries, keys, _ in lengths)


def test_no_distances_of_no_row_are_differentiated() -> None:
    """Neither of the function nor of its reference; and those of five rows are judged."""
    x = torch.randn(5, 3, dtype=torch.float64)

    def plain(x: Tensor) -> Tensor:
        one, other = torch.triu_indices(len(x), len(x), 1)
        return (x[one] - x[other]).norm(dim=-1)

    for function, reference in ((F.pdist, plain), (plain, F.pdist)):
        assert check_function(function, reference, x, ways=["rows"], order=1)
    with Survived():
        assert len(F.pdist(p=2, input=x)) == 10
        with pytest.raises(RuntimeError, match="no rows"):
            F.pdist(x[:0])
        with pytest.raises(TypeError):  # torch's own
            F.pdist()


def test_what_does_not_look_in_the_backward_alone_is_tried_apart(tmp_path: Path) -> None:
    """A sparse gradient of indices from the end writes where it may not: the check ended with it."""

    class Rows(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, table: Tensor, ids: Tensor) -> Tensor:
            ctx.save_for_backward(ids)
            ctx.shape = table.shape
            return table[ids]

        @staticmethod
        def backward(ctx: Any, *above: Tensor) -> Any:
            (tmp_path / str(os.getpid())).touch()
            return torch.sparse_coo_tensor(ctx.saved_tensors[0][None], above[0], ctx.shape), None

    ids, table = torch.tensor([0, 2, 2]), torch.randn(5, 3)
    assert check_function(Rows, lambda table, ids: table[ids], table, ids, ways=["repeated indices"], order=1)
    assert {each.name for each in tmp_path.iterdir()} > {str(os.getpid())}


def test_a_recurrent_network_is_called_at_other_points_in_a_process_of_its_own() -> None:
    """oneDNN's reads weights of a size that does not go with the others, and ended the process."""
    network = torch.nn.LSTM(4, 3)
    with Indexing() as seen:
        network(torch.ones(5, 4))
    assert seen.is_unlooked or not torch.backends.mkldnn.is_available()
