"""Networks whose parameters have several dtypes, as of a norm in float32 in 16 bits, or are complex."""

import warnings
from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor, nn

from torch_reference import check_derivation
from torch_reference.comparison import Verdict

Derivation = Callable[[Mapping[str, Tensor], Tensor, Tensor], Mapping[str, Tensor]]


class NormInFloat32(nn.Module):
    """A layer in bfloat16, whose output a gain and an offset in float32 scale."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.gain = nn.Linear(6, 8, bias=False).bfloat16(), nn.Parameter(torch.ones(8) * 1.25)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x).float() * self.gain


def scaled(factor: float, dtype: torch.dtype = torch.float32) -> Derivation:
    """Its derivation, the gain's gradient being so many times as large."""

    def by_hand(parameters: Mapping[str, Tensor], x: Tensor, targets: Tensor) -> dict[str, Tensor]:
        hidden = (x @ parameters["layer.weight"].T).float()
        d_predicted = 2 * (hidden * parameters["gain"] - targets)
        d_hidden = d_predicted * parameters["gain"]
        d_weight = d_hidden.bfloat16().T @ x
        return {"layer.weight": d_weight, "gain": (factor * (d_predicted * hidden).sum(0)).to(dtype)}

    return by_hand


@pytest.mark.parametrize(
    ("derivation", "verdict"),
    [
        (scaled(1.0), None),
        (scaled(1.01), Verdict.DIFFERS),
        (scaled(1.0, torch.bfloat16), Verdict.WRONG_DTYPE),
    ],
    ids=["right", "a hundredth too much", "in bfloat16"],
)
@pytest.mark.medium
def test_each_gradient_has_the_dtype_of_its_own_parameter(
    derivation: Derivation, verdict: Verdict | None
) -> None:
    """A network of several dtypes was refused."""
    torch.manual_seed(0)
    model, x, targets = NormInFloat32(), torch.randn(50, 6).bfloat16(), torch.randn(50, 8)
    report = check_derivation(model, ssr, x, targets, derivation, draws=0)
    verdicts = [finding.row.verdict for finding in report.findings if finding.row.name == "gain"]
    assert report.agrees is (verdict is None), str(report)
    assert verdicts == [verdict or Verdict.AGREES]


class Modulus(nn.Module):
    """The absolute values of a complex layer, to which a real offset is added."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(5, 4, dtype=torch.cfloat))
        self.offset = nn.Parameter(torch.randn(4))

    def forward(self, x: Tensor) -> Tensor:
        return (x.to(torch.cfloat) @ self.weight).abs() + self.offset


def turned(by: complex) -> Derivation:
    """Its derivation, in torch's convention, the complex gradient being turned."""

    def by_hand(parameters: Mapping[str, Tensor], x: Tensor, targets: Tensor) -> dict[str, Tensor]:
        z = x.to(torch.cfloat) @ parameters["weight"]
        d_predicted = 2 * (z.abs() + parameters["offset"] - targets)
        d_z = d_predicted * z / z.abs()
        return {"weight": by * (x.to(torch.cfloat).T @ d_z), "offset": d_predicted.sum(0)}

    return by_hand


@pytest.mark.parametrize("by", [1, 1j, 1.001])
@pytest.mark.medium
def test_a_complex_parameter_has_a_complex_gradient(by: complex) -> None:
    """Every right one was of a wrong shape. A wrong one has its line, and nothing warns of lost parts."""
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        report = check_derivation(Modulus(), ssr, torch.randn(6, 5), torch.randn(6, 4), turned(by))
    assert report.agrees is (by == 1), str(report)
    assert report.agrees or report.first_wrong.row.name == "weight"
    assert report.agrees or "wrong here" in str(report)


@pytest.mark.medium
def test_a_derivation_by_autograd_itself_is_no_error() -> None:
    """Its own graph is gone when it returns, and there are no links to judge there."""

    def by_autograd(parameters: Mapping[str, Tensor], x: Tensor, targets: Tensor) -> dict[str, Tensor]:
        leaves = {name: value.detach().requires_grad_() for name, value in parameters.items()}
        with torch.enable_grad():
            loss = ssr(torch.func.functional_call(model, leaves, (x,)), targets)
        found = torch.autograd.grad(loss, list(leaves.values()))
        return {name: 2 * value for name, value in zip(leaves, found, strict=True)}

    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    x, targets = torch.randn(5, 3).double(), torch.randn(5, 2).double()
    report = check_derivation(model, ssr, x, targets, by_autograd)
    assert not report.agrees


def ssr(predicted: Tensor, targets: Tensor) -> Tensor:
    """The sum of the squared residuals."""
    return (predicted - targets).square().sum()
