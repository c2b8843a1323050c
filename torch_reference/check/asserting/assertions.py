"""Assertions for anybody's tests: pytest shows the report, and its heading in the summary."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from torch_reference.check.calling import Function
from torch_reference.check.derivation import check_derivation
from torch_reference.check.function import check_function
from torch_reference.judging.network_task import NetworkDerivation
from torch_reference.judging.report import Report
from torch_reference.judging.scalar_objective import Loss


def assert_gradients_match(
    model: nn.Module,
    loss: Loss,
    inputs: Tensor | Sequence[Tensor],
    targets: Tensor | None,
    derivation: NetworkDerivation,
) -> None:
    """Raise AssertionError, with the whole report as its message, unless the derivation agrees with autograd.

    Shapes, errors: those of check_derivation

    >>> import torch
    >>> model, ssr = torch.nn.Linear(2, 1), lambda predicted, observed: (observed - predicted).square().sum()
    >>> def by_hand(parameters, inputs, observed):
    ...     d_ssr_d_predicted = -2 * (observed - inputs @ parameters["weight"].T - parameters["bias"])
    ...     return {"weight": d_ssr_d_predicted.T @ inputs, "bias": d_ssr_d_predicted.sum(0)}
    >>> assert_gradients_match(model, ssr, torch.randn(5, 2), torch.randn(5, 1), by_hand)
    """
    __tracebackhide__ = True
    assert_agrees(check_derivation(model, loss, inputs, targets, derivation))


def assert_function_matches(
    function: Function, reference: Callable[..., Any], *args: Any, **options: Any
) -> None:
    """Raise AssertionError, with the whole report as its message, unless the backward agrees with autograd.

    Shapes, errors: those of check_function, whose options and keywords it takes

    >>> import torch
    >>> square = (lambda x: (x * x, x), lambda x, d_loss_d_y: 2 * x * d_loss_d_y)
    >>> assert_function_matches(square, torch.square, torch.randn(3))
    """
    __tracebackhide__ = True
    assert_agrees(check_function(function, reference, *args, **options))


def assert_agrees(report: Report) -> None:
    """Raise AssertionError, with the whole report as its message, unless it is an agreement.

    >>> import torch, torch_reference
    >>> assert_agrees(torch_reference.check_function(torch.sin, torch.sin, torch.ones(2)))
    """
    __tracebackhide__ = True
    if not report.agrees:
        raise AssertionError(str(report))
