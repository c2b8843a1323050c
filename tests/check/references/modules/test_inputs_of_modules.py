"""How two modules are given their inputs: one by one, in a tuple, by keyword."""

import pytest
import torch
from torch import Tensor, nn

from torch_reference import check_function, check_modules

x = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)).double()


class Pair(nn.Module):
    """Takes its inputs as one tuple, or one by one."""

    def __init__(self, takes_a_tuple: bool) -> None:
        super().__init__()
        self.gain, self.takes_a_tuple = nn.Parameter(torch.ones(3).double()), takes_a_tuple

    def forward(self, one: Tensor | tuple[Tensor, Tensor], other: Tensor | None = None) -> Tensor:
        """Their product, scaled."""
        first, second = one if self.takes_a_tuple else (one, other)
        return first * second * self.gain


@pytest.mark.parametrize("takes_a_tuple", [False, True])
def test_one_tuple_of_inputs_is_taken_for_them_unless_the_module_takes_tuples(takes_a_tuple: bool) -> None:
    """As torch.jit.trace and torch.onnx.export are given them."""
    mine, other = Pair(takes_a_tuple), Pair(takes_a_tuple)
    report = check_modules(mine, other, (x, x + 1), ways=[], order=1)
    assert str(report).startswith("AGREEMENT: 1 output and 3 gradients")


class Attention(nn.Module):
    """Takes and returns what it does by keyword and in a tuple, as transformers' layers do."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.value, self.factor, self.besides = nn.Linear(3, 3).double(), factor, 1.0

    def forward(self, *, hidden_states: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """A layer, to which a mask is added, and what nothing uses."""
        weights = self.value(hidden_states)
        made = weights * self.factor
        besides = weights if self.besides == 1 else weights * self.besides
        return (made if mask is None else made + mask, besides)


class Layer(nn.Module):
    """Calls its attention by keyword."""

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.attention, self.norm = Attention(factor), nn.LayerNorm(3).double()

    def forward(self, hidden_states: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """A residual layer."""
        made = self.attention(hidden_states=hidden_states, mask=attention_mask)[0]
        return self.norm(hidden_states + made)


@pytest.mark.medium
def test_inputs_and_submodules_are_called_by_keyword_too() -> None:
    """Gradients of what is given by keyword are judged; a submodule that is called so is not left out."""
    reference, right, wrong = Layer(), Layer(), Layer(1.01)
    right.load_state_dict(reference.state_dict())
    wrong.load_state_dict(reference.state_dict())
    report = check_modules(right, reference, x, attention_mask=x[:1] + 1, ways=[], order=1)
    assert report.agrees
    assert {finding.name for finding in report.findings} >= {"inputs[1]", "inputs['attention_mask']"}
    told = check_modules(wrong, reference, hidden_states=x, ways=[], draws=0, order=1).first_part
    assert ": attention (outputs[0]" in told
    wrong.attention.factor, wrong.attention.besides, wrong.norm.eps = 1.0, 2.0, 0.1
    told = check_modules(wrong, reference, hidden_states=x, ways=[], draws=0, order=1).first_part
    assert ": norm (outputs[0]" in told  # and not the attention, which returns other weights besides


def test_what_are_no_two_modules_is_told_in_one_line() -> None:
    """A class, a function, a list of names, a lazy module: each was an error of the check's own."""
    linear, x = nn.Linear(3, 4), torch.randn(5, 3)
    for mine, found in ((nn.Linear, "the class Linear"), (torch.tanh, "builtin_function_or_method")):
        with pytest.raises(TypeError, match=f"expected two modules, found {found}"):
            check_modules(mine, linear, x)
        with pytest.raises(TypeError, match=f"expected two modules, found {found}"):
            check_modules(linear, mine, x)
    with pytest.raises(TypeError, match="names: expected a mapping of names, found list"):
        check_modules(linear, linear, x, names=["weight"])
    with pytest.raises(ValueError, match="weight, bias: no values yet; call the lazy module once before"):
        check_modules(nn.LazyLinear(4), linear, x)
    with pytest.raises(ValueError, match="weight, bias: no values yet; call the lazy module once before"):
        check_function(nn.LazyLinear(4), None, x)
