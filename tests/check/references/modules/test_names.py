"""What names tells of two modules: each name is one of theirs."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from torch_reference import check_modules
from torch_reference.check.references.modules.other_names import names_around

x = torch.linspace(-1, 2, 12, dtype=torch.float64).view(4, 3)


def pair() -> tuple[nn.Module, nn.Module]:
    """The same layer, once in a sequence."""
    plain = nn.Sequential(nn.Linear(3, 2)).double()
    mine = nn.Linear(3, 2).double()
    mine.load_state_dict(plain[0].state_dict())
    return mine, plain


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ({"wieght": "0.weight"}, "parameter or submodule of Linear, found 'wieght'; did you mean weight."),
        ({"weight": "0.wieght"}, "Sequential, found '0.wieght'; did you mean 0.weight."),
        ({0: "0.weight"}, "parameter or submodule of Linear, found 0"),
    ],
)
def test_a_name_that_is_none_is_told(names: Any, told: str) -> None:
    """It was ignored, beside names that match."""
    with pytest.raises(ValueError, match=f"^names: expected a .*{told}$"):
        check_modules(*pair(), x, names={"": "0", **names})


def test_a_misspelt_option_is_told() -> None:
    """It was handed on to the modules."""
    with pytest.raises(ValueError, match=r"^nmaes: expected an option, .*; did you mean names\?$"):
        check_modules(*pair(), x, nmaes={})


def test_parameters_by_other_names_in_a_submodule_are_matched_there_too() -> None:
    """The submodule was left out, and its twin not named."""

    class Gain(nn.Module):
        def __init__(self, name: str, power: int) -> None:
            super().__init__()
            self.name, self.power = name, power
            self.register_parameter(name, nn.Parameter(torch.full((3,), 1.3, dtype=x.dtype)))

        def forward(self, x: Tensor) -> Tensor:
            return x * getattr(self, self.name) ** self.power

    mine, plain = nn.Sequential(Gain("gain", 2)), nn.Sequential(Gain("weight", 1))
    report = check_modules(mine, plain, x, names={"0.gain": "0.weight"}, ways=[], draws=0)
    assert ": 0 (outputs[0]," in report.first_part


class Around(nn.Module):
    """A module in another, as nn.DataParallel and torch.compile have it."""

    def __init__(self, name: str, module: nn.Module) -> None:
        super().__init__()
        self.inner = name
        self.add_module(name, module)

    def forward(self, x: Tensor) -> Tensor:
        return self.get_submodule(self.inner)(x)


@pytest.mark.medium
def test_a_wrapper_around_all_of_a_module_needs_no_names() -> None:
    one, other = (nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 2)).double() for _ in range(2))
    other.load_state_dict(one.state_dict())
    wrapped, twice = Around("module", one), Around("_orig_mod", Around("module", other))
    for mine, plain in [(wrapped, other), (one, twice), (wrapped, twice)]:
        assert check_modules(mine, plain, x, ways=[], order=1)
    other[1] = nn.Sigmoid()
    report = check_modules(wrapped, twice, x, ways=[], order=1)
    assert "differs, given its own inputs and upstream gradient: module.1 " in report.first_part


def test_other_parameters_are_still_told() -> None:
    deeper = Around("module", nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2)).double())
    with pytest.raises(ValueError, match="without a match"):
        check_modules(pair()[1], deeper, x)
    assert names_around(["a.weight"], ["b.bias"]) == {}
