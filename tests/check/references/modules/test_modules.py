"""Two modules that should be the same, and known defects of published ones."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import local_response_norm

from torch_reference import check_function, check_modules

x = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)).double()


class Port(nn.Module):
    """A linear layer and a norm of one's own, under other names; a factor that may be wrong."""

    def __init__(self, source: nn.Sequential, factor: float = 1.0) -> None:
        super().__init__()
        self.w, self.b = nn.Parameter(source[0].weight.detach()), nn.Parameter(source[0].bias.detach())
        self.gain, self.offset = (
            nn.Parameter(value.detach()) for value in (source[1].weight, source[1].bias)
        )
        self.factor = factor

    def forward(self, inputs: Tensor) -> Tensor:
        """By hand."""
        h = inputs @ self.w.T + self.b
        centred = h - h.mean(-1, keepdim=True)
        normal = centred * torch.rsqrt(centred.square().mean(-1, keepdim=True) + 1e-5)
        # The value is right whatever the factor is, the gradient is not.
        scaled = normal * self.factor + (normal * (1 - self.factor)).detach()
        return scaled * self.gain + self.offset


NAMES = {"w": "0.weight", "b": "0.bias", "gain": "1.weight", "offset": "1.bias"}


@pytest.mark.slow
def test_a_port_is_compared_with_its_origin() -> None:
    """Outputs, gradients of inputs and of parameters by their names; nothing is left changed."""
    torch.manual_seed(1)
    origin = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4)).double()
    before = {name: value.clone() for name, value in origin.state_dict().items()}
    assert check_modules(Port(origin), origin, x, names=NAMES)
    report = check_modules(Port(origin, 0.9), origin, x, names=NAMES, draws=0)
    wrong = [finding.name for finding in report.findings if not finding.agrees]
    assert set(wrong) == {"inputs[0]['w']", "inputs[0]['b']", "inputs[1]"}
    assert all(torch.equal(value, before[name]) for name, value in origin.state_dict().items())
    with pytest.raises(ValueError, match=r"parameters without a match, .*: 0.bias, 0.weight"):
        check_modules(Port(origin), origin, x)
    with pytest.raises(ValueError, match=": the two modules have other values"):
        check_modules(nn.Linear(3, 4), nn.Linear(3, 4), x)


@pytest.mark.slow
def test_what_works_in_place_is_compared_with_what_does() -> None:
    """A reference that overwrites its input overwrites a copy."""
    before = x.clone()
    assert check_function(nn.ReLU(inplace=True), nn.ReLU(inplace=True), x, ways=["spread", "redrawn"])
    assert check_function(torch.relu, nn.functional.relu_, x, ways=[])
    assert not check_function(lambda x: x.relu() * 1.5, nn.functional.relu_, x, ways=[], draws=0)
    assert torch.equal(x, before)


class Tripled(nn.Module):
    """Three times its inputs, with a gradient that may be another."""

    def __init__(self, factor: float = 3.0) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, inputs: Tensor) -> Tensor:
        """The value is always right."""
        return inputs * self.factor + (inputs * (3.0 - self.factor)).detach()


def two_blocks(factor: float, swapped: bool = False) -> nn.Module:
    """Two blocks, of which the second may be wrong."""
    torch.manual_seed(2)
    blocks = [nn.Sequential(nn.Linear(3, 3), Tripled(each), nn.ReLU(inplace=True)) for each in (3.0, factor)]
    return nn.Sequential(*blocks, nn.Linear(3, 2), nn.Flatten(0) if swapped else nn.Identity()).double()


@pytest.mark.slow
def test_the_first_submodule_that_differs_is_named() -> None:
    """Given its own inputs and upstream gradient: what it feeds is not blamed, nor what feeds it."""
    told = check_modules(two_blocks(2.0), two_blocks(3.0), x, ways=[], draws=0).first_part
    assert told.endswith(": 1.1 (inputs[1])")
    told = check_modules(two_blocks(3.0, swapped=True), two_blocks(3.0), x, ways=[], draws=0).first_part
    assert told.endswith(": 3 (outputs[0])")
    assert check_modules(two_blocks(3.0), two_blocks(3.0), x, ways=[]).remarks == ()


class Named(nn.Module):
    """The same two blocks by other names, used twice as much as they should be."""

    def __init__(self, blocks: nn.Module, times: float) -> None:
        super().__init__()
        self.first, self.second, self.head = blocks[0], blocks[1], blocks[2]
        self.times = times

    def forward(self, inputs: Tensor) -> Tensor:
        """In the same order."""
        return self.head(self.second(self.first(inputs)) * self.times)


@pytest.mark.slow
def test_submodules_by_other_names_are_matched_by_them() -> None:
    """And where each is right by itself, it is said that they are put together otherwise."""
    names = {"first": "0", "second": "1", "head": "2"}
    assert check_modules(Named(two_blocks(3.0), 1.0), two_blocks(3.0), x, names=names, ways=[])
    (told,) = check_modules(
        Named(two_blocks(3.0), 2.0), two_blocks(3.0), x, names=names, ways=[], draws=0
    ).remarks
    assert told == "no submodule that could be judged by itself differs; not judged by themselves: 3"
    told = check_modules(
        Named(two_blocks(2.0), 1.0), two_blocks(3.0), x, names=names, ways=[], draws=0
    ).first_part
    assert told.endswith(": second.1 (inputs[1])")


def test_the_window_of_torchs_own_cross_map_norm_is_off_by_one() -> None:
    """A known defect: it is refused, by its outputs already."""
    norm = nn.CrossMapLRN2d(3, alpha=0.5, beta=0.75, k=1.0)
    images = torch.rand(2, 5, 3, 3, dtype=torch.float64) + 0.5
    report = check_function(norm, lambda x: local_response_norm(x, 3, 0.5, 0.75, 1.0), images, draws=0)
    assert report.first_wrong is not None
    assert report.first_wrong.name == "outputs[0]"


def test_a_straight_through_estimator_is_compared_with_its_surrogate() -> None:
    """The value of rounding, and the gradient of the identity: a reference that detaches says so."""

    def surrogate(x: Tensor) -> Tensor:
        return x + (x.round() - x).detach()

    class StraightThrough(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            """The value."""
            return x.round()

        @staticmethod
        def backward(ctx, g):
            """Straight through."""
            return g

    assert check_function(StraightThrough, surrogate, x)
    third = type("Third", (StraightThrough,), {"backward": staticmethod(lambda ctx, g: g / 3)})
    assert not check_function(third, surrogate, x, draws=0)


class Keeping(nn.Module):
    """A cell whose next call begins where the last one ended."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.hidden = nn.RNNCell(3, 4), None

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.cell(x, self.hidden if self.hidden is not None and len(self.hidden) == len(x) else None)
        self.hidden = hidden.detach()
        return hidden


@pytest.mark.medium
def test_what_both_keep_from_call_to_call_is_nobodys_mistake() -> None:
    """It was another number in the second of two calls, and "yours is wrong"."""
    torch.manual_seed(0)
    mine, plain = Keeping(), Keeping()
    plain.load_state_dict(mine.state_dict())
    report = check_modules(mine, plain, torch.randn(5, 3), ways=["two forwards"], order=1)
    assert report, str(report)
    assert "each call is that of a new copy" in str(report)
    mine.cell.weight_ih.register_hook(lambda above: 1.01 * above)
    assert not check_modules(mine, plain, torch.randn(5, 3), ways=[], order=1)


def test_sparse_gradients_of_parameters_are_judged() -> None:
    """To ask whether a backward reads them raised an error, and a hook on them another one."""
    mine, plain = nn.Embedding(9, 4, sparse=True), nn.Embedding(9, 4)
    plain.load_state_dict(mine.state_dict())
    rows = torch.tensor([1, 5, 5])
    assert check_modules(mine, plain, rows, ways=[], order=1)
    mine.weight.register_hook(lambda above: 1.01 * above)
    report = check_modules(mine, plain, rows, ways=[], order=1, draws=0)
    assert report.first_wrong.name == "inputs[0]['weight']"
