"""Local gradients of n times the loss, in a pair whose forward pass returns the loss."""

from pathlib import Path

import torch

from torch_reference.chain.inside import links_of_function
from user_files import imported

PAIR = """
def forward(x, y, w1, w2):
    z1 = x @ w1
    a1 = z1.sigmoid()
    z2 = a1 @ w2
    loss = ((z2 - y) ** 2).sum() / (2 * len(x))
    return loss, (x, y, w2, a1, z2)


def backward(saved, dloss):
    x, y, w2, a1, z2 = saved
    dz2 = (z2 - y) * dloss
    dz1 = dz2 @ w2.T * a1
    return None, None, x.T @ dz1 / len(x), a1.T @ dz2 / len(x)
"""


def test_a_pair_that_returns_a_loss_may_have_gradients_of_n_times_the_loss(tmp_path: Path) -> None:
    """As a derivation may: dz2 is right so, and the line of dz1 alone is wrong."""
    module = imported(tmp_path, "pair", PAIR)
    torch.manual_seed(0)
    x, y, w1, w2 = (torch.randn(*size).double() for size in ((7, 4), (7, 2), (4, 3), (3, 2)))
    report = links_of_function(
        (module.forward, module.backward),
        lambda *given: module.forward(*given)[0],
        [x, y, w1, w2],
        [False, False, True, True],
        [torch.tensor(1.0).double()],
    )
    assert [link.quantity.place.source for link in report.wrong] == ["dz1 = dz2 @ w2.T * a1"], str(report)
    assert "7 times the loss" in report.note
