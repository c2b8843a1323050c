"""Of a large point each element is judged, and a few rows are called in every other way."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from autograd_functions import function
from torch_reference import check_function
from torch_reference.check.every_way import _parts
from torch_reference.check.few_rows import few_rows
from torch_reference.judging.function_objective import FunctionObjective

x = torch.randn(512, 128, generator=torch.Generator().manual_seed(0))


def scaled(ctx, x: Tensor) -> Tensor:
    """Five times."""
    return 5 * x


@pytest.mark.slow
def test_the_report_says_what_part_the_other_ways_saw() -> None:
    """A layout that is taken for another is found there, and one wrong element in the whole."""
    report = check_function(function(scaled, lambda ctx, g: 5 * g), lambda x: 5 * x, x)
    assert report, str(report)
    assert report.ways_on == "inputs[0] 37 x 128"
    assert "131072 elements" in str(report)
    by_columns = function(scaled, lambda ctx, g: g * (5 if g.stride(-1) == 1 else 6))
    report = check_function(by_columns, lambda x: 5 * x, x, draws=0)
    assert dict(report.ways)["transposed"] == "fails"

    def one_element(ctx, g: Tensor) -> Tensor:
        found = 5 * g
        found[-3:, 77] *= 1.0001
        return found

    report = check_function(function(scaled, one_element), lambda x: 5 * x, x)
    assert report.first_wrong.row.index[1] == 77
    assert report.first_wrong.row.wrong_elements == 3


def test_rows_are_cut_where_the_reference_is_defined_with_few() -> None:
    """Those that are shown are kept; classes are cut with their rows, a gain of a thousand columns is not."""
    square = torch.randn(1000, 1000)
    objective = FunctionObjective(lambda x, gain: functional.layer_norm(x, (1000,), gain))
    point = {"inputs[0]": square, "inputs[1]": torch.ones(1000), "d_loss_d_outputs[0]": square}
    few = few_rows(objective, point, ["inputs[0]"], 0, {"inputs[0]": (777, 3)})
    assert few is not None
    assert few["inputs[1]"].shape == (1000,)
    assert (few["inputs[0]"] == square[777]).all(1).any()
    assert torch.equal(few["inputs[0]"], few["d_loss_d_outputs[0]"])
    of_classes = FunctionObjective(functional.cross_entropy)
    point = {"inputs[0]": square, "inputs[1]": torch.zeros(1000, dtype=torch.int64)}
    few = few_rows(of_classes, point, ["inputs[0]"], 0)
    assert few is not None
    assert len(few["inputs[0]"]) == len(few["inputs[1]"]) < 37
    assert (
        few_rows(FunctionObjective(lambda x: x.view(1000, 1000)), {"inputs[0]": square}, ["inputs[0]"], 0)
        is None
    )


@pytest.mark.medium
def test_a_large_call_is_made_once_and_tells_its_outputs_and_gradients() -> None:
    """What it returns of another form, or by chance of none, is still told: it is called again for that."""
    large = []

    def forward(x: Tensor) -> tuple[Tensor, Tensor]:
        large.extend([x.shape] if len(x) == len(square) else [])
        return x * x, x

    square = x[:300]
    pair = (forward, lambda x, g: 2 * g * x)
    assert check_function(pair, torch.square, square, redraw=False)
    assert len(large) == 1
    of_two = (lambda x: ((x * x, x.sum()), x), lambda x, g, *_: 2 * g * x)
    report = check_function(of_two, torch.square, square, redraw=False)
    assert [finding.name for finding in report.findings if not finding.agrees] == ["outputs[1]"]
    itself = (lambda x: (x, x), lambda x, g: g)
    report = check_function(itself, torch.clone, square, redraw=False)
    assert report.first_wrong.row.verdict == "shares memory"
    scalar = (lambda x: (x * x, None), lambda _, g: g.sum())
    report = check_function(scalar, torch.square, square, redraw=False)
    assert report.first_wrong.row.verdict == "wrong shape"


@pytest.mark.medium
def test_where_no_way_is_asked_for_the_second_derivative_is_that_of_few_rows() -> None:
    """Of all of them it took ten times as long as every way."""
    assert check_function(torch.square, torch.square, x[:300], ways=[]).ways_on == "inputs[0] 37 x 128"


def test_what_leaves_nearly_all_is_not_cut() -> None:
    """Images of few pixels leave a network its parameters, and its batch norms no variance."""
    images, weights = torch.randn(2, 8, 12, 12), torch.randn(40_000)
    objective = FunctionObjective(lambda x, w: x.sum() * w.view(40, 1000))
    assert few_rows(objective, {"inputs[0]": images, "inputs[1]": weights}, ["inputs[0]"], 0) is None


def test_a_part_of_many_inputs_is_told_in_few_lines() -> None:
    """Of a network's sixty parameters each had a line, whether it was cut or not."""
    inputs = {f"inputs[{place}]": torch.zeros(5, 40) for place in range(9)}
    whole = {"inputs[9]": torch.zeros(3)}
    point = {name: value[:4] for name, value in inputs.items()} | whole
    told = [f"inputs[{place}] 4 x 40" for place in range(7)]
    assert _parts(point, inputs | whole) == ", ".join(told) + " and 2 more"


@pytest.mark.medium
def test_what_takes_its_own_size_only_is_told_of_the_whole_point() -> None:
    """No row can be cut, of either or of the function alone: nobody was wrong, and no line was named."""
    table = torch.linspace(1, 2, 130)[:, None]
    x = torch.randn(130 * 128, generator=torch.Generator().manual_seed(0))
    own_size = function(lambda ctx, x: x.view(130, 128) * table, lambda ctx, g: g.flatten())
    of_rows = function(lambda ctx, x: x * table, lambda ctx, g: g)
    for wrong, reference, point in (
        (own_size, lambda x: x.view(130, 128) * table, x),
        (of_rows, lambda x: x * table[: len(x)], x.view(130, 128)),
    ):
        [found] = [each for each in check_function(wrong, reference, point).findings if not each.agrees]
        assert found.wrong == "yours"
        assert found.diagnosis.kind in ("factor missing", "derivative missing")


@pytest.mark.medium
def test_a_factor_of_as_many_as_the_rows_is_none_of_the_few_that_are_looked_at() -> None:
    """Of a mean over 72 rows without its division, of which eight are cut, "times 8" was said."""
    y = torch.randn(72, 500, generator=torch.Generator().manual_seed(0))

    def mean(x: Tensor) -> Tensor:
        return functional.softplus(x.log_softmax(-1)).sum() / len(x)

    def forward(ctx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return mean(x)

    def backward(ctx, d_loss: Tensor) -> Tensor:
        log_p = ctx.saved_tensors[0].log_softmax(-1)
        d_log_p = d_loss * log_p.sigmoid()
        return d_log_p - log_p.exp() * d_log_p.sum(-1, keepdim=True)

    [wrong] = [
        each for each in check_function(function(forward, backward), mean, y).findings if not each.agrees
    ]
    assert wrong.wrong == "yours"
    assert " times " not in wrong.diagnosis.sentence
