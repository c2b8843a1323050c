"""Two variables that are named like the gradient of one tensor: the one that is none is not blamed."""

import pytest
import torch
from torch import Tensor

from torch_reference.chain.inside import links_of_function
from user_files import imported

SOURCE = """
import torch


def forward(xs, w, masks):
    h, kept = torch.zeros_like(xs[0]), []
    for t in range(len(xs)):
        z = xs[t] * w + h
        a = torch.tanh(z)
        hn = masks[t] * a + (1 - masks[t]) * h
        kept.append((hn, a))
        h = hn
    return torch.stack([hn for hn, _ in kept]), (xs, w, masks, kept)


def backward(saved, dout):
    xs, w, masks, kept = saved
    dw, carry = torch.zeros_like(w), torch.zeros_like(w)
    for t in reversed(range(len(xs))):
        _, a = kept[t]
        dhn = carry + dout[t]
        dh = dhn * masks[t]
        dz = dh * (1 - a**2)
        dw = dw + dz * xs[t]
        carry = dz + dhn * (1 - masks[t])
    return None, dw, None
"""


@pytest.mark.medium
def test_a_masked_gradient_is_not_that_of_the_state_that_is_handed_on(tmp_path) -> None:
    """`h = hn` gives dhn and dh one tensor; dh is that of what is masked, and only dz is wrong."""
    source = SOURCE.replace("dz = dh * (1 - a**2)", "dz = dh * (1 - a)")
    module = imported(tmp_path, "masked", source)
    torch.manual_seed(0)
    xs, w, above = torch.randn(3, 4).double(), torch.randn(4).double(), torch.randn(3, 4).double()
    masks = (torch.rand(3, 4) > 0.4).double()

    def reference(xs: Tensor, w: Tensor, masks: Tensor) -> Tensor:
        return module.forward(xs, w, masks)[0]

    pair, wanted = (module.forward, module.backward), [False, True, False]
    report = links_of_function(pair, reference, [xs, w, masks], wanted, [above])
    assert {link.quantity.manual_name for link in report.wrong} == {"dz"}, str(report)


LOSS_OF_EACH = """
def forward(x, w):
    y = x * w
    loss = y.square()
    return loss.sum() / len(x), (x, w, y)


def backward(saved, d_loss):
    x, w, y = saved
    d_y = 2 * y * d_loss
    return d_y * w, d_y * x
"""


def test_what_a_backward_is_called_with_is_wrong_by_no_name(tmp_path) -> None:
    """d_loss is that of the mean, and not of each element; it was of a wrong shape, on the line of def."""
    module = imported(tmp_path, "loss_of_each", LOSS_OF_EACH)
    x, w = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0)).double()
    pair, above = (module.forward, module.backward), torch.tensor(1.5).double()
    report = links_of_function(pair, lambda x, w: module.forward(x, w)[0], [x, w], [True, True], [above])
    assert [link.quantity.manual_name for link in report.wrong] == ["d_y"]
    assert "d_loss" not in str(report).partition("d_y:")[0]
