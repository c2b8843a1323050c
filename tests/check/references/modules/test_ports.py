"""A port of a module in 16 bits: in every way it makes the reference's own numbers."""

import pytest
import torch
from torch import nn

from torch_reference import check_modules
from torch_reference.check.ways import comparing


def test_the_references_own_numbers_are_judged_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the first look finds little near, as in bfloat16: to judge an encoder's layer took a minute."""

    def made() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(6, 5), nn.LayerNorm(5), nn.GELU()).bfloat16()

    def judged(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(comparing, "judge", judged)
    x = torch.randn(4, 6, generator=torch.Generator().manual_seed(0)).bfloat16()
    ways = ["redrawn", "scales"]
    report = check_modules(made(), made(), x, ways=ways, order=1)
    assert report, str(report)
    assert dict(report.ways) == dict.fromkeys(ways, "agrees")
