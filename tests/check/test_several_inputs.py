"""A network with several inputs, with buffers, one of which is an index, and with an unused parameter."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from torch_reference import Report, Verdict, check_derivation

DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


class Gated(nn.Module):
    """The columns in another order, mixed by a buffer, weighted, and times the second input."""

    def __init__(self) -> None:
        """Draw the buffers."""
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 2))
        self.register_buffer("mix", torch.randn(3, 3))
        self.register_buffer("order", torch.tensor([2, 0, 1]))

    def forward(self, inputs: Tensor, gate: Tensor) -> Tensor:
        """Two outputs for each row."""
        return (inputs[:, self.order] @ self.mix @ self.weight) * gate


def network(dtype: torch.dtype) -> tuple[Gated, tuple[Tensor, Tensor], Tensor]:
    """The module, its two inputs and the targets: five rows, and a gate for each."""
    torch.manual_seed(0)
    model = Gated().to(dtype)
    inputs, gate, targets = torch.randn(5, 3), torch.randn(5, 1), torch.randn(5, 2)
    return model, (inputs.to(dtype), gate.to(dtype)), targets.to(dtype)


def ssr(output: Tensor, targets: Tensor) -> Tensor:
    """Sum of squared residuals."""
    return ((targets - output) ** 2).sum()


def derivation(dtype: torch.dtype, with_gate: bool = True) -> Callable:
    """By hand, from the two inputs in their order; the mistake forgets the second on the way back."""
    model = network(dtype)[0]

    def by_hand(p, inputs, targets):
        x, gate = inputs
        mixed = x[:, model.order] @ model.mix
        d_ssr_d_output = -2 * (targets - (mixed @ p["weight"]) * gate)
        return {"weight": mixed.T @ (d_ssr_d_output * gate if with_gate else d_ssr_d_output)}

    return by_hand


def check(dtype: torch.dtype, **mistake: bool) -> Report:
    """The report on it."""
    model, inputs, targets = network(dtype)
    return check_derivation(model, ssr, inputs, targets, derivation(dtype, **mistake))


@DTYPES
def test_a_right_derivation_of_several_inputs_agrees(dtype: torch.dtype) -> None:
    """The reference works in float64, on the buffers too, and leaves an index an index."""
    assert check(dtype).agrees


@pytest.mark.sample(1)
@DTYPES
def test_a_mistake_with_the_second_input_is_diagnosed(dtype: torch.dtype) -> None:
    """The gate is a factor of the gradient."""
    first = check(dtype, with_gate=False).first_wrong
    assert first is not None
    assert (first.name, first.diagnosis.kind) == ("weight", "factor missing")


@pytest.mark.sample(1)
@pytest.mark.parametrize(("wrong", "kind"), [(0.0, ""), (1.0, "unknown")])
def test_the_gradient_of_a_parameter_that_nothing_depends_on_is_zero(wrong: float, kind: str) -> None:
    """Zeros are right, and have to be returned; anything else is a mismatch at its own name."""
    model, inputs, targets = network(torch.float64)
    model.unused = nn.Parameter(torch.ones(2, dtype=torch.float64))
    right = derivation(torch.float64)

    def by_hand(p, x, t):
        return {**right(p, x, t), "unused": torch.full_like(p["unused"], wrong)}

    report = check_derivation(model, ssr, inputs, targets, by_hand)
    assert report.agrees is (not wrong)
    assert not any(finding.row.explanation for finding in report.findings)  # a zero that is exact is no doubt
    if wrong:
        assert (report.first_wrong.name, report.first_wrong.diagnosis.kind) == ("unused", kind)
    missing = check_derivation(model, ssr, inputs, targets, right)
    assert [(f.name, f.row.verdict) for f in missing.findings if not f.agrees] == [
        ("unused", Verdict.MISSING)
    ]


class OfANest(nn.Module):
    """Takes a dict with a list in it, and a number."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, data: dict) -> torch.Tensor:
        """A linear layer of a product."""
        return self.layer(data["x"] * data["w"][0] * data["n"])


@pytest.mark.medium(1)
@pytest.mark.parametrize("in_a_tuple", [False, True])
def test_inputs_may_be_nested(in_a_tuple: bool) -> None:
    """The derivation gets them as they were given; a mistake is found as in any other."""
    torch.manual_seed(0)
    model = OfANest().double()
    data = {"x": torch.randn(4, 3).double(), "w": [torch.rand(4, 3).double() + 0.5], "n": 2.0}
    targets = torch.randn(4, 2).double()

    def by_hand(parameters, inputs, targets, factor=2.0):
        given = inputs[0] if in_a_tuple else inputs
        h = given["x"] * given["w"][0] * given["n"]
        d_out = factor * (h @ parameters["layer.weight"].T + parameters["layer.bias"] - targets)
        return {"layer.weight": d_out.T @ h, "layer.bias": d_out.sum(0)}

    inputs = (data,) if in_a_tuple else data
    ssr = lambda out, targets: ((out - targets) ** 2).sum()  # noqa: E731
    assert check_derivation(model, ssr, inputs, targets, by_hand)
    report = check_derivation(model, ssr, inputs, targets, lambda *args: by_hand(*args, factor=-2.0))
    assert report.first_wrong.diagnosis.kind == "wrong sign"


class Twice(nn.Module):
    """One layer that is called twice, and one that returns two tensors."""

    def __init__(self) -> None:
        """Square, so that either gradient has the shape of the other."""
        super().__init__()
        self.layer, self.pair = nn.Linear(2, 2, bias=False), Pair()

    def forward(self, x: Tensor) -> Tensor:
        """The product of the pair."""
        first, second = self.pair(self.layer(self.layer(x)))
        return first * second


class Pair(nn.Module):
    """x and its square."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Two outputs."""
        return x, x * x


@pytest.mark.medium(1)
@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_each_call_and_each_part_of_an_output_is_a_link_with_its_number(factor: float) -> None:
    """The first call's gradient is derived wrongly, and named; what it feeds is inherited."""
    torch.manual_seed(3)
    x = torch.randn(3, 2).double()

    def derivation(p: dict, x: Tensor, _: object) -> dict:
        weight = p["layer.weight"]
        one = x @ weight.T
        two = one @ weight.T
        ones = torch.ones_like(two)
        d_two = two**2 + 2 * two * two
        d_one = factor * d_two @ weight
        d_weight = d_two.T @ one + d_one.T @ x
        parts = {"pair.0": two**2 * ones, "pair.1": two}
        return {**parts, "layer[1]": d_two, "layer[0]": d_one, "layer.weight": d_weight}

    report = check_derivation(Twice().double(), lambda output, _: output.sum(), x, None, derivation)
    first = report.first_wrong
    assert (first.name if first else "") == ("layer[0]" if factor == 2 else "")
    assert {finding.name for finding in report.findings if finding.agrees} >= {"pair.0", "pair.1", "layer[1]"}
    assert report.agrees is (factor == 1)
