"""Who is wrong: the third witness of the check, mpmath for the lesson's network, a quotient for others."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from catalogue import lesson
from catalogue.subject import derivation
from torch_reference import Row, Verdict, check_derivation, from_parameters, to_parameters
from torch_reference.judging.lesson_witness import exact_gradient, is_the_lesson
from torch_reference.judging.network_task import network_task
from torch_reference.judging.witness import who_is_wrong
from torch_reference.lesson.truth import true_derivative

OWN = derivation(lesson.SUBJECT)
"""The right derivation of the lesson's network, with its links."""


def test_what_pytorchs_softplus_leaves_out_is_held_against_nobody() -> None:
    """With its threshold of 20 and x1 = 21, PyTorch is off in the tenth digit; the derivation is right."""
    network, loss, inputs, observed = lesson.make()
    parameters = to_parameters(network) | {"b1": torch.tensor(21.0, dtype=torch.float64)}
    network = from_parameters(parameters, softplus_threshold=20.0)
    assert check_derivation(network, loss, inputs, observed, OWN).agrees


@pytest.mark.medium
@pytest.mark.parametrize("where", ["output", "output.weight", "hidden"])
def test_mpmath_convicts_a_wrong_derivation(where: str) -> None:
    """At the first link, the last and a parameter, in float32: the truth of the rounded parameters."""
    wrong = derivation(lesson.SUBJECT, {where: lambda v: 1.01 * lesson.right[where](v)})
    network, loss, inputs, observed = lesson.make()
    first = check_derivation(network.float(), loss, inputs.float(), observed.float(), wrong).first_wrong
    assert (first.name, first.wrong) == (where, "yours")


def test_the_exact_gradient_is_the_third_witness_of_the_lesson() -> None:
    """The same numbers as truth.py for every parameter and link; cut, it is linear in what it was handed."""
    network, loss, inputs, observed = lesson.make()
    point = network_task(network, loss, inputs, observed, OWN).point
    numbers = {name: value.item() for name, value in to_parameters(network).items()}
    data = (inputs.flatten().tolist(), observed.flatten().tolist())
    names = {
        "w2": ("hidden.weight", (1, 0)),
        "b1": ("hidden.bias", (0,)),
        "w4": ("output.weight", (0, 1)),
        "b3": ("output.bias", (0,)),
    }
    for name, (own, index) in names.items():
        assert exact_gradient(point, own, index) == float(true_derivative(name, numbers, *data)[0])
    links = {"d_ssr_d_x2": ("hidden", (3, 1)), "d_ssr_d_predicted": ("output", (3, 0))}
    for name, (own, index) in links.items():
        assert exact_gradient(point, own, index) == float(true_derivative(name, numbers, *data)[3])
    ones = {**point, "d_loss_d_output": torch.ones(5, 1).double()}
    assert exact_gradient(ones, "output.bias", (0,), ["output"]) == 5.0
    assert exact_gradient(ones, "activation", (2, 1), ["output"]) == numbers["w4"]


def test_another_network_or_loss_is_not_the_lessons() -> None:
    """The loss is known by what it returns; a mean of squares is another one."""
    network, loss, inputs, observed = lesson.make()

    def asked(model: nn.Module, loss: Callable, inputs: torch.Tensor, targets: torch.Tensor | None) -> bool:
        task = network_task(model, loss, inputs, targets, OWN)
        return is_the_lesson(task.objective, task.point)

    assert asked(network, loss, inputs, observed)
    assert not asked(network, nn.MSELoss(), inputs, observed)
    assert not asked(network, lambda output, _: output.sum(), inputs, None)
    assert not asked(network, lambda output, _: output.sum(), inputs, observed[:1])
    assert not asked(nn.Linear(1, 1).double(), loss, inputs, observed)


@pytest.mark.medium
def test_the_verdicts_of_the_third_witness() -> None:
    """Yours, PyTorch's, both within rounding, undecided: for x² at 3, whose derivative is 6."""
    model = nn.Linear(1, 1, bias=False).double()
    with torch.no_grad():
        model.weight.fill_(3.0)
    one = torch.ones(1, 1).double()
    task = network_task(model, lambda output, _: (output**2).sum(), one, None, lambda p, x, t: {})

    def verdict(manual: float, bound: float) -> str:
        row = Row("weight", Verdict.DIFFERS, manual, 6.0, abs(manual - 6), bound, index=(0, 0))
        return who_is_wrong(task.objective, row, task.point, {"weight": (1, 1)}, ())

    assert verdict(7.0, 1e-15) == "yours"
    assert verdict(torch.nan, 1e-15) == "yours"
    assert verdict(-torch.inf, 1e-15) == "yours"
    assert verdict(6.0 + 1e-9, 1e-6) == "both within rounding"
    assert verdict(6.0 + 1e-15, 1e-16) == "undecided"


def test_a_custom_function_with_a_wrong_backward_makes_autograd_wrong() -> None:
    """A custom Function with a wrong backward makes autograd wrong, and the derivation by hand right."""

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, d_loss_d_output):
            return 3 * ctx.saved_tensors[0] * d_loss_d_output

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.tensor([1.5, -0.5]).double())

        def forward(self, x):
            return Square.apply(self.weight) * x

    inputs = torch.tensor([2.0, 3.0]).double()
    report = check_derivation(
        Model(), lambda output, _: output.sum(), inputs, None, lambda p, x, t: {"weight": 2 * p["weight"] * x}
    )
    assert report.first_wrong.wrong == "PyTorch's"
