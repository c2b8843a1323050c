"""What is wrong with a call, or raises, is a finding in a report with the place and the reason."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from autograd_functions import function, saving
from torch_reference import Report, check_derivation, check_function
from torch_reference.judging.calls import Tensors

x = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
z = torch.complex(x, x.exp())


def raising(*_: Any) -> Tensor:
    """A function that fails."""
    raise KeyError("no such layer")


FOUND: dict[str, tuple[Callable[[], Report], str, str]] = {
    "an output of another shape": (
        lambda: check_function(lambda x: x.unsqueeze(0), lambda x: x * 1, x),
        "outputs[0]",
        "expected (4, 3), found (1, 4, 3)",
    ),
    "an output that is missing": (
        lambda: check_function(lambda x: {"a": x * 2}, lambda x: {"a": x + x, "b": x.exp()}, x),
        "outputs['b']",
        "no such name",
    ),
    "None for a tensor": (
        lambda: check_function(lambda x: (x * 2, None), lambda x: (x + x, x), x),
        "outputs[1]",
        "no such name",
    ),
    "another number": (
        lambda: check_function(lambda x: (x * 2, 3), lambda x: (x + x, 4), x),
        "outputs[1]",
        "expected 4, found 3",
    ),
    "another mask": (
        lambda: check_function(lambda x: (x * 2, x > 0), lambda x: (x + x, x < 0), x),
        "outputs[1]",
        "",
    ),
    "a gradient without the conjugate": (
        lambda: check_function(
            function(saving(lambda z: z * z), lambda ctx, g: 2 * g * ctx.saved_tensors[0]), lambda z: z * z, z
        ),
        "inputs[0]",
        "",
    ),
    "a forward that raises": (
        lambda: check_function(raising, torch.sin, x),
        "forward",
        "KeyError: 'no such layer' (test_findings_not_exceptions.py",
    ),
    "a backward that raises": (
        lambda: check_function(function(lambda ctx, x: x * 1, lambda ctx, g: raising()), lambda x: x * 1, x),
        "backward",
        "KeyError: 'no such layer' (test_findings_not_exceptions.py",
    ),
    "a way out of the process": (
        lambda: check_function(lambda x: raise_(SystemExit(0)), torch.sin, x),
        "forward",
        "SystemExit: 0",
    ),
    "a gradient that is no tensor": (
        lambda: check_function((lambda x: (x * 1, None), lambda _, g: ("a word",)), lambda x: x * 1, x),
        "derivation",
        "found 'inputs[0]': str",
    ),
}


def raise_(error: BaseException) -> None:
    """Raise, as an expression."""
    raise error


@pytest.mark.medium(1)
@pytest.mark.parametrize(("call", "name", "told"), FOUND.values(), ids=FOUND)
def test_what_is_wrong_or_raises_is_a_finding(call: Callable[[], Report], name: str, told: str) -> None:
    """Never an exception: a report with the place and the reason."""
    report = call()
    assert not report
    assert report.first_wrong.name == name, str(report)
    assert told in report.first_wrong.row.explanation


def test_a_reference_that_raises_is_nobodys_mistake() -> None:
    """Without it nothing can be judged."""
    report = check_function(torch.sin, raising, x)
    assert str(report).startswith("UNDECIDED: there is nothing to compare with")
    assert report.user_code_failed


def test_a_tuple_for_one_gradient_is_said_to_be_one() -> None:
    """It is no gradient that is zero everywhere."""
    pair = (lambda x: (x**3, (x, x))), lambda saved, _: (saved,)
    report = check_function(pair, lambda x: x**3, torch.ones(3), ways=[], order=1)
    assert "must be one tensor, found 2" in str(report)


@pytest.mark.medium
def test_numbers_of_chance_are_called_not_repeatable_and_nothing_else() -> None:
    """Noise in the fourth digit is no difference quotient, though it looks like one."""
    model = nn.Linear(3, 1, bias=False).double()

    def noisy(parameters: Tensors, inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        right = 2 * (inputs @ parameters["weight"].T - targets).T @ inputs
        return {"weight": right * (1 + 1e-4 * torch.rand(()).double())}

    report = check_derivation(model, lambda out, y: ((out - y) ** 2).sum(), x, x[:, :1], noisy)
    assert [(one.row.verdict.value, one.diagnosis) for one in report.findings] == [
        ("differs", None),
        ("not repeatable", None),
    ]


def test_a_sparse_gradient_of_the_models_own_is_compared_with_all_its_zeros() -> None:
    """As nn.Embedding(sparse=True) has it, whatever the derivation returns."""
    table, rows = nn.Embedding(5, 2, sparse=True, dtype=torch.float64), torch.tensor([0, 1, 1])

    def right(parameters: Tensors, inputs: Tensor, targets: Tensor) -> Tensors:
        upstream = 2 * (parameters["weight"][inputs] - targets)
        return {"weight": torch.zeros_like(parameters["weight"]).index_add(0, inputs, upstream)}

    def wrong(*given: Tensor) -> Tensors:
        return {"weight": (-right(*given)["weight"]).to_sparse()}

    given = table, nn.MSELoss(reduction="sum"), rows, x[:3, :2]
    assert check_derivation(*given, right)
    report = check_derivation(*given, wrong)
    assert report.findings[0].diagnosis.kind == "wrong sign", str(report)


def test_a_function_for_the_model_is_one_clear_line() -> None:
    """As where the arguments are given in another order."""
    with pytest.raises(TypeError, match=r"^the model must be a torch\.nn\.Module, found function$"):
        check_derivation(raising, nn.MSELoss(), x, x, raising)
