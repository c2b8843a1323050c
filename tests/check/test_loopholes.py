"""What other tools let pass, or refuse though it is right."""

import pytest
import torch
from torch import Tensor, nn

from torch_reference import Verdict, check_derivation, check_function

x = torch.linspace(-2, 2, 12, dtype=torch.float64).reshape(3, 4)


def test_a_scalar_that_broadcasts_is_a_wrong_shape() -> None:
    """A comparison that broadcasts calls it exact: every element of the right gradient is 1."""
    ones = torch.ones(3, dtype=torch.float64)
    summed = (lambda x: (x.sum(), None)), lambda saved, g: g.clone()
    first = check_function(summed, torch.sum, ones).first_wrong
    assert first.row.verdict is Verdict.WRONG_SHAPE


def test_a_large_negative_error_is_a_difference() -> None:
    """amax of the difference, without abs, is far below any tolerance here."""
    too_small = (lambda x: (x * 2, None)), lambda saved, g: 2 * g - 1e6
    assert not check_function(too_small, lambda x: 2 * x, x).agrees


def test_a_gradient_of_1e_minus_3_that_is_missing_is_a_difference() -> None:
    """An absolute tolerance of 1.0 passes it."""
    lost = (lambda x: (x * 1e-3, None)), lambda saved, g: 0 * g
    assert check_function(lost, lambda x: x * 1e-3, x).first_wrong.diagnosis.kind == "detached"


def test_a_flipped_sign_that_gradchecks_fast_mode_passes_is_refused() -> None:
    """One small element among large ones disappears in a random projection of them all."""
    factors = torch.linspace(1, 2, 50, dtype=torch.float64)
    factors[7] = 1e-6

    class Flipped(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * factors

        @staticmethod
        def backward(ctx, d_loss_d_output):
            flipped = factors.clone()
            flipped[7] *= -1
            return d_loss_d_output * flipped

    point = torch.ones(50, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(Flipped.apply, (point,), fast_mode=True)
    first = check_function(Flipped, lambda x: x * factors, point.detach()).first_wrong
    assert (first.name, first.row.index, first.row.wrong_elements) == ("inputs[0]", (7,), 1)


@pytest.mark.slow
def test_softplus_near_its_threshold_is_no_false_alarm() -> None:
    """gradcheck's finite differences straddle the jump at 20; the same function by hand is right there."""

    class Softplus(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return torch.where(x > 20, x, torch.log1p(torch.exp(x)))

        @staticmethod
        def backward(ctx, d_loss_d_output):
            (x,) = ctx.saved_tensors
            return d_loss_d_output * torch.where(x > 20, 1.0, torch.sigmoid(x))

    near = torch.tensor([19.9999999, 20.0, 20.0000001, 3.0, -3.0], dtype=torch.float64)
    assert check_function(Softplus, torch.nn.functional.softplus, near).agrees


ROWS = torch.linspace(-1, 1, 6, dtype=torch.float64).reshape(3, 2)
LOSSES = {
    "detached": lambda output, targets: output.detach().square().sum(),
    "of the targets": lambda output, targets: targets.square().sum(),
    "a constant": lambda output, targets: torch.tensor(3.0, dtype=torch.float64),
    "not a number": lambda output, targets: torch.tensor(torch.nan, dtype=torch.float64),
    "an integer": lambda output, targets: torch.tensor(len(output)),
    "of another leaf": lambda output, targets: torch.ones((), dtype=torch.float64, requires_grad=True),
}


def zeros(parameters: dict[str, Tensor], _inputs: Tensor, _targets: Tensor) -> dict[str, Tensor]:
    """What agrees with every loss that depends on nothing."""
    return {name: torch.zeros_like(value) for name, value in parameters.items()}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_that_depends_on_no_parameter_is_no_agreement(name: str) -> None:
    """Undecided, with the reason."""
    report = check_derivation(nn.Linear(2, 1).double(), LOSSES[name], ROWS, ROWS, zeros)
    assert not report.agrees
    assert str(report).startswith("UNDECIDED: there is nothing to compare with")
    assert report.findings[0].row.explanation == "the loss depends on no parameter"


def test_data_of_no_rows_are_no_agreement_unless_a_parameter_counts_by_itself() -> None:
    """A sum over no observations is 0 for every network; a penalty on the weights is not."""
    model = nn.Linear(2, 1, bias=False).double()
    nothing = check_derivation(model, lambda output, _: output.sum(), ROWS[:0], ROWS[:0], zeros)
    assert nothing.findings[0].row.explanation == "inputs and targets have no element"

    class Penalised(nn.Linear):
        """A layer that adds its own weights' squares to what it gives."""

        def forward(self, inputs: Tensor) -> Tensor:
            """One row more, of the penalty."""
            return torch.cat([super().forward(inputs), self.weight.square().sum().reshape(1, 1)])

    owner = Penalised(2, 1, bias=False).double()
    twice = check_derivation(
        owner, lambda o, _: o.sum(), ROWS[:0], None, lambda p, x, t: {"weight": 2 * p["weight"]}
    )
    assert twice.agrees
    assert not check_derivation(owner, lambda o, _: o.sum(), ROWS[:0], None, zeros)


def test_a_loss_that_is_no_tensor_is_one_clear_line() -> None:
    """A number of Python's has no graph."""
    with pytest.raises(TypeError, match=r"^the loss must be a tensor of one number, found float$"):
        check_derivation(nn.Linear(2, 1).double(), lambda output, _: 3.0, ROWS, None, zeros)


def test_a_function_of_no_rows_is_no_agreement() -> None:
    """Five times the weight's gradient is 0 as well, where there are no rows to add up."""

    def backward(saved: tuple[Tensor, Tensor], g: Tensor) -> tuple[Tensor, Tensor]:
        x, weight = saved
        return g @ weight.T, 5 * x.T @ g

    pair = (lambda x, weight: (x @ weight, (x, weight))), backward
    report = check_function(pair, torch.matmul, ROWS[:0], ROWS.T.contiguous())
    assert not report.agrees
    assert "inputs[0] and d_loss_d_outputs[0] have no element" in str(report)
