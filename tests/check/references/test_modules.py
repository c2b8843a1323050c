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
    with pytest.raises(ValueError, match="weight: the two modules have other values"):
        check_modules(nn.Linear(3, 4), nn.Linear(3, 4), x)


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
