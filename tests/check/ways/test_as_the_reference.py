"""What a reference does as well, called in the same way, is no mistake of the function."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import batch_norm

from autograd_functions import function
from catalogue.ways.functions import saving
from torch_reference import check_function

draws = torch.Generator().manual_seed(0)
x = torch.randn(4, 6, generator=draws, dtype=torch.float64)
flat = torch.zeros(24)


def viewed(x: Tensor, like: Tensor) -> Tensor:
    """Takes no other layout."""
    return x.view_as(like)


def test_a_layout_that_the_reference_refuses_too_may_be_refused() -> None:
    """Both raise the same error; where the reference takes it, or is none, it is an oversight."""
    report = check_function(viewed, viewed, x, flat, ways=["transposed"], order=1)
    assert (report.agrees, report.ways) == (True, (("transposed", "refused"),)), report
    report = check_function(viewed, torch.Tensor.reshape_as, x, flat, ways=["transposed"], order=1)
    assert report.ways == (("transposed", "fails"),), report
    twice = function(lambda ctx, x: 2 * x.view(-1), lambda ctx, above: 2 * above.view(4, 6))
    report = check_function(twice, None, x, ways=["transposed"], order=1)
    assert report.ways == (("transposed", "fails"),), report


def test_of_numbers_that_are_the_references_too_a_report_warns() -> None:
    """as_strided reads memory; what does so where the reference does not is wrong."""

    def of_memory(x: Tensor) -> Tensor:
        return x.as_strided((2, 3), (1, 2)) * 2

    report = check_function(of_memory, of_memory, x, ways=["transposed"], order=1)
    told = "it returns others than as it was given, and so does the reference: outputs[0], inputs[0]"
    assert report.agrees, report
    assert report.warnings == (f"with transposed inputs {told}",)
    of_numbers = check_function(
        of_memory, lambda x: x[:1].reshape(3, 2).mT * 2, x, ways=["transposed"], order=1
    )
    assert not of_numbers
    assert "outputs[0]" in [finding.name for finding in of_numbers.findings if not finding.agrees]


@pytest.mark.medium
def test_a_mistake_beside_the_references_is_not_excused() -> None:
    """Both read memory; that a tenth of it is lost where it is transposed is the function's own."""

    def of_memory(x: Tensor) -> Tensor:
        return x.as_strided((2, 3), (1, 2)) * 2

    def less_of_it(x: Tensor) -> Tensor:
        return x.as_strided((2, 3), (1, 2)) * (2 if x.is_contiguous() else 1.8)

    report = check_function(less_of_it, of_memory, x, ways=["transposed"], order=1)
    assert report.ways == (("transposed", "fails"),), report


def test_an_error_of_both_backwards_is_a_warning() -> None:
    """It is no mistake of the function that the reference's own backward cannot do it."""

    def backward(ctx: Any, above: Tensor) -> Tensor:
        return 2 * above.view(-1).view(above.shape)

    twice, again = (function(lambda ctx, x: 2 * x, backward) for _ in range(2))
    report = check_function(twice.apply, again.apply, x, ways=["transposed"], order=1)
    assert report.agrees, report
    assert "the backward raises an error, as the reference's does" in report.warnings[0]


def normalised(momentum: float) -> Any:
    """Batch norm, which writes its running statistics."""
    return lambda x, mean, var: batch_norm(x, mean, var, training=True, momentum=momentum)


def test_statistics_that_the_reference_writes_too_are_judged_by_what_they_become() -> None:
    """The same ones agree; others are told with both numbers; without the reference's it is a breach."""
    statistics = (torch.zeros(6, dtype=torch.float64), torch.ones(6, dtype=torch.float64))
    assert check_function(normalised(0.1), normalised(0.1), x, *statistics, wrt=[0], ways=[], order=1)
    wrong = check_function(normalised(0.2), normalised(0.1), x, *statistics, wrt=[0], ways=[], order=1)
    assert [finding.row.verdict.value for finding in wrong.findings[1:3]] == ["input mutated"] * 2, wrong
    assert "to other numbers than by the reference" in wrong.findings[1].row.explanation
    alone = check_function(
        normalised(0.1),
        lambda x, mean, var: batch_norm(x, None, None, training=True),
        x,
        *statistics,
        wrt=[0],
        ways=[],
        order=1,
    )
    assert "work on a copy" in alone.findings[1].row.explanation, alone


def test_memory_that_the_reference_shares_too_may_be_shared() -> None:
    """unsafe_split hides from autograd that its parts are views, which split does not."""
    assert check_function(lambda x: x.unsafe_split(2), lambda x: x.unsafe_split(2), x, ways=[], order=1)
    assert not check_function(lambda x: x.unsafe_split(2), lambda x: x.split(2), x, ways=[], order=1)


def test_random_numbers_are_drawn_by_one_thread_at_a_time() -> None:
    """torch's generator is that of all threads: what each of two draws is chance."""
    report = check_function(torch.normal, torch.normal, x, x.abs() + 1, ways=["two threads"], order=1)
    assert (report.agrees, report.ways) == (True, (("two threads", "cannot apply"),)), report


def test_a_single_number_has_no_rows() -> None:
    """Nor columns; a tensor without a dimension has no length."""
    report = check_function(torch.sin, torch.sin, x[0, 0], ways=["rows", "columns"], order=1)
    assert dict(report.ways) == {"rows": "cannot apply", "columns": "cannot apply"}, report


@pytest.mark.medium
def test_where_the_references_own_gradient_is_wrong_nobody_else_is_blamed() -> None:
    """torch.ldexp has none at a negative integer (pytorch#187460), though it multiplies by a half there."""
    exponents = torch.tensor([0, 1, 2])
    report = check_function(lambda x, e: x * 2.0**e, torch.ldexp, x[0, :3], exponents, order=1)
    assert report, str(report)
    told = "at whole numbers in inputs[1] the reference's gradient is not that of its own values: inputs[0]"
    assert told in report.warnings


@pytest.mark.medium
def test_a_surrogates_gradient_is_that_of_no_values() -> None:
    """It is right as it is given, and so it is elsewhere."""
    wrong = function(saving(torch.round), lambda ctx, g: torch.where(ctx.saved_tensors[0] < 0, 2 * g, g))
    through = function(lambda ctx, x: x.round(), lambda ctx, g: g)
    report = check_function(wrong, through.apply, x.abs(), ways=["signs"], order=1)
    assert report.ways == (("signs", "fails"),)
