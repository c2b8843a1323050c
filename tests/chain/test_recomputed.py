"""A value of the forward pass that the backward pass makes again: said where it is another one."""

import pytest
import torch

from torch_reference import check_function
from user_files import imported

SOURCE = """
class Own(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        h = x * w
        gate = torch.sigmoid(h)
        ctx.save_for_backward(x, w)
        return h * gate

    @staticmethod
    def backward(ctx, dout):
        x, w = ctx.saved_tensors
        h = x * w
        gate = torch.sigmoid(h)
        dx = dout * (gate + h * gate * (1 - gate)) * w
        dw = dout * (gate + h * gate * (1 - gate)) * x
        return dx, dw
"""


@pytest.mark.medium
@pytest.mark.parametrize(
    ("right", "wrong", "name", "line"),
    [
        ("torch.sigmoid(h)\n        dx", "torch.sigmoid(-h)\n        dx", "gate", 14),
        ("h = x * w\n        gate = torch.sigmoid(h)\n        dx", "", "h", 13),
        ("h = x * w\n        gate = torch.sigmoid(h)\n        dx", "x * w -> x", "h", 13),
    ],
)
def test_the_wrong_line_is_where_it_is_made_again(tmp_path, right, wrong, name, line) -> None:
    """Both gradients are wrong, each in a line of its own, and one edit of another line mends both."""
    wrong = {"": right.replace("x * w", "x + w"), "x * w -> x": right.replace("x * w", "x")}.get(wrong, wrong)
    assert right in SOURCE
    module = imported(tmp_path, "recomputed", SOURCE.replace(right, wrong))
    torch.manual_seed(0)
    x, w = torch.randn(2, 4, 3).double()
    report = check_function(module.Own, lambda x, w: x * w * torch.sigmoid(x * w), x, w, ways=[], order=1)
    assert not report.agrees
    assert f"not as in the forward pass: {name} (line {line})" in str(report)
    assert report.line.line == line


@pytest.mark.medium
def test_what_is_made_again_as_it_was_is_not_spoken_of(tmp_path) -> None:
    """The mistake is elsewhere."""
    module = imported(tmp_path, "recomputed", SOURCE.replace("(1 - gate)) * x", "(1 - gate)) * w"))
    torch.manual_seed(0)
    x, w = torch.randn(2, 4, 3).double()
    report = check_function(module.Own, lambda x, w: x * w * torch.sigmoid(x * w), x, w, ways=[], order=1)
    assert "not as in the forward pass" not in str(report)


@pytest.mark.medium
def test_what_the_reference_alone_calls_so_is_not_spoken_of(tmp_path) -> None:
    """A forward pass in numpy has no graph: the reference's names stand in, and may mean something else."""
    source = SOURCE.replace("gate = torch.sigmoid(h)\n        ctx", "gate = numpy_sigmoid(h)\n        ctx")
    source = source.replace("(1 - gate)) * x", "(1 - gate)) * w")
    numpy = "import numpy\n\ndef numpy_sigmoid(h):\n"
    numpy += "    return torch.from_numpy(1 / (1 + numpy.exp(-h.detach().numpy())))\n"
    module = imported(tmp_path, "in_numpy", numpy + source)

    def reference(x, w):
        gate = 2 * x * w
        return x * w * torch.sigmoid(gate / 2)

    torch.manual_seed(0)
    x, w = torch.randn(2, 4, 3).double()
    report = check_function(module.Own, reference, x, w, ways=[], order=1)
    assert not report.agrees
    assert "not as in the forward pass" not in str(report)
