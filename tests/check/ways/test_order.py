"""The findings come from the loss backwards, whatever the modules are nested in."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import linear

import homework as homework
from torch_reference import Report, check_derivation


class Nested(nn.Module):
    """Two layers in a block, one behind it, and a scale in a module that is never called."""

    def __init__(self) -> None:
        """Name the modules."""
        super().__init__()
        self.head = nn.Linear(2, 1)
        self.block = nn.Sequential(nn.Linear(3, 2), nn.Tanh())
        self.holder = nn.Linear(2, 2, bias=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """The holder's weight is read, and its forward is not run."""
        return self.head(linear(self.block(inputs), self.holder.weight))


def report(links: bool, wrong: float = 1.0, **options: int) -> Report:
    """The check of autograd's own gradients, that of the first weight times a factor."""
    torch.manual_seed(0)
    model, inputs, targets = Nested().double(), torch.randn(4, 3).double(), torch.randn(4, 1).double()

    def derivation(p, x, t):
        own = {name: value.detach().requires_grad_() for name, value in p.items()}
        layer = linear(x, own["block.0.weight"], own["block.0.bias"])
        block = torch.tanh(layer)
        head = linear(linear(block, own["holder.weight"]), own["head.weight"], own["head.bias"])
        wanted = {**own, **({"head": head, "block": block, "block.0": layer} if links else {})}
        found = torch.autograd.grad(homework.loss(head, t), list(wanted.values()))
        gradients = {name: gradient.clone() for name, gradient in zip(wanted, found, strict=True)}
        gradients["block.0.weight"] *= wrong
        return gradients

    return check_derivation(model, homework.loss, inputs, targets, derivation, **options)


def test_links_and_parameters_come_from_the_loss_backwards() -> None:
    """Each module's output, then its parameters from the last to the first; at last what no module called."""
    parameters = ["head.bias", "head.weight", "block.0.bias", "block.0.weight", "holder.weight"]
    with_links = ["head", "head.bias", "head.weight", "block", "block.0", "block.0.bias", "block.0.weight"]
    for links, expected in ((False, parameters), (True, [*with_links, "holder.weight"])):
        found = report(links)
        assert found.agrees, found
        assert [finding.name for finding in found.findings] == expected


@pytest.mark.medium
def test_without_draws_a_mistake_is_named_and_not_explained() -> None:
    """draws=0 asks for no diagnosis, nor for who is wrong."""
    for draws, kind, wrong in ((0, None, ""), (4, "factor 2", "yours")):
        first = report(links=True, wrong=2.0, draws=draws).first_wrong
        assert first.name == "block.0.weight"
        assert (first.diagnosis and first.diagnosis.kind, first.wrong) == (kind, wrong)
