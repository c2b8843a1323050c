"""A hundredth of a network's gradient is less than what 16 bits round, and is found by its formula."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from torch_reference import check_derivation
from torch_reference.judging.report import Report


def checked(dtype: torch.dtype, links: bool = False, **factors: float) -> Report:
    """Of a network of two layers, by a derivation of which a factor spoils a name."""
    draws = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(6, 8), nn.SiLU(), nn.Linear(8, 4)).to(dtype)
    inputs, targets = (torch.randn(16, of, generator=draws).to(dtype) for of in (6, 4))

    def derivation(parameters: Mapping[str, Tensor], inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        def rounded(value: Tensor) -> Tensor:
            return value.to(inputs.dtype).float()

        def spoiled(name: str, value: Tensor) -> Tensor:
            return rounded(value * factors.get(name, 1.0))

        w1, b1, w2, b2 = (parameters[name].float() for name in ("0.weight", "0.bias", "2.weight", "2.bias"))
        z = rounded(inputs.float() @ w1.T + b1)
        slope = torch.sigmoid(z)
        h = rounded(z * slope)
        d_out = spoiled("out", 2 * (rounded(h @ w2.T + b2) - targets.float()) / targets.numel())
        d_h = spoiled("h", d_out @ w2)
        d_z = spoiled("z", d_h * (slope + z * slope * (1 - slope)))
        found = {"2": d_out, "2.weight": d_out.T @ h, "2.bias": d_out.sum(0), "1": d_h, "0": d_z}
        found |= {"0.weight": spoiled("weight", d_z.T @ inputs.float()), "0.bias": d_z.sum(0)}
        wanted = {name: value.to(inputs.dtype) for name, value in found.items()}
        return wanted if links else {name: wanted[name] for name in parameters}

    return check_derivation(model, nn.MSELoss(), inputs, targets, derivation, draws=0)


def own(report: Report) -> list[str]:
    """What is wrong by itself."""
    return [finding.name for finding in report.findings if not finding.agrees and not finding.inherited]


@pytest.mark.medium
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_hundredth_too_much_of_a_parameter(dtype: torch.dtype) -> None:
    """It agreed in bfloat16, whatever else was asked."""
    assert checked(dtype).agrees
    assert own(checked(dtype, weight=1.01)) == ["0.weight"]


@pytest.mark.medium
def test_a_hundredth_too_much_of_a_link_is_of_that_link() -> None:
    """What it feeds inherits it, and says no more; what is above is right."""
    assert checked(torch.bfloat16, links=True).agrees
    report = checked(torch.bfloat16, links=True, h=1.01)
    assert own(report) == ["1"]
    wrong = {finding.name: finding.row.explanation for finding in report.findings if not finding.agrees}
    assert wrong.keys() == {"1", "0", "0.weight", "0.bias"}
    assert [name for name, told in wrong.items() if told] == ["1"]
    assert own(checked(torch.bfloat16, links=True, weight=1.01)) == ["0.weight"]
