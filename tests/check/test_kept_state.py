"""A copy of a module is called again where a call leaves nothing on it, and is made anew where it does."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from torch_reference import check_modules
from torch_reference.check import explain
from torch_reference.check.references.modules import parameters
from torch_reference.check.references.modules.kept_state import is_same, kept_state

x = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)).double()


class Settings:
    """What a model's configuration is like."""

    def __init__(self) -> None:
        self.calls, self.times, self.tensor = 0, [], torch.zeros(1).double()


class Keeping(nn.Module):
    """A layer whose output grows with what it kept of earlier calls."""

    def __init__(self, keep: Callable[[Settings], None]) -> None:
        super().__init__()
        self.layer, self.settings, self.keep = nn.Linear(3, 2).double(), Settings(), keep

    def forward(self, inputs: Tensor) -> Tensor:
        """Times one in the first call, and more in each later one."""
        kept = self.settings
        factor = 1 + kept.calls + len(kept.times) + kept.tensor
        self.keep(kept)
        return self.layer(inputs) * factor


def counted(kept: Settings) -> None:
    """A number is replaced."""
    kept.calls += 1


def listed(kept: Settings) -> None:
    """A list grows."""
    kept.times.append(1)


def summed(kept: Settings) -> None:
    """A tensor changes in place."""
    kept.tensor += 1


def hidden(kept: Settings) -> None:
    """A tensor changes without a new version."""
    kept.tensor.data.add_(1)


def nothing(kept: Settings) -> None:
    """Most modules."""


@pytest.mark.parametrize("keep", [counted, listed, summed, hidden, nothing])
def test_a_reference_is_as_new_in_each_call(keep: Callable[[Settings], None]) -> None:
    """What it would keep of one call is in no other."""
    reference, mine = Keeping(keep), nn.Linear(3, 2).double()
    mine.load_state_dict(reference.layer.state_dict())
    names = {"weight": "layer.weight", "bias": "layer.bias"}
    report = check_modules(mine, reference, x, names=names, ways=["redrawn"], order=1)
    assert dict(report.ways) == {"redrawn": "agrees"}
    kept = reference.settings
    assert (kept.calls, kept.times, kept.tensor.item()) == (0, [], 0.0)  # it was never called itself


@pytest.mark.parametrize("keep", [counted, listed, summed, hidden, nothing])
def test_what_a_call_leaves_is_seen(keep: Callable[[Settings], None]) -> None:
    """In a number, a list and a tensor of an object that the module has."""
    module = Keeping(keep)
    before = kept_state(module)
    module(x)
    assert is_same(before, kept_state(module)) is (keep is nothing)


def test_what_cannot_be_seen_through_is_unknown() -> None:
    """As a generator of random numbers."""
    module = nn.Linear(3, 2)
    module.generator = torch.Generator()
    assert kept_state(module) is None
    assert not is_same(None, None)


def test_a_module_that_keeps_nothing_is_copied_a_few_times(monkeypatch) -> None:
    """A copy for each precision, and not for each of a hundred calls."""
    copies = []

    def counting(module: nn.Module) -> nn.Module:
        copies.append(module)
        return original(module)

    original = parameters.private_copy
    monkeypatch.setattr(parameters, "private_copy", counting)
    reference = nn.Sequential(nn.Linear(3, 2), nn.Tanh()).double()
    mine = nn.Sequential(nn.Linear(3, 2), nn.Tanh()).double()
    mine.load_state_dict(reference.state_dict())
    assert check_modules(mine, reference, x, ways=["spread", "zeros"], order=1)
    assert len(copies) < 10


def test_what_there_is_no_time_for_is_said(monkeypatch) -> None:
    """It differs all the same."""
    monkeypatch.setattr(explain, "SECONDS", -1.0)
    reference, mine = nn.Linear(3, 2).double(), nn.Linear(3, 2).double()
    mine.load_state_dict(reference.state_dict())
    report = check_modules(nn.Sequential(mine, nn.Tanh()), nn.Sequential(reference), x, ways=[], order=1)
    (first, *_) = [finding for finding in report.findings if finding.kind != "output"]
    assert first.diagnosis is None
    assert first.row.explanation == explain.LEFT
    assert explain.LEFT in str(report)


def test_a_module_that_leaves_is_the_users_code() -> None:
    """sys.exit is no fault of the check's, nor of how the inputs were given."""

    class Leaving(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            raise SystemExit(0)

    module = Leaving(3, 2)
    for given in (x, (x,)):
        (finding,) = check_modules(module, module, given, ways=[]).findings
        assert finding.name == "reference"
