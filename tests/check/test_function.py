"""The backward of a function, autograd.Function or pair: right, wrong, and what cannot be checked."""

from collections.abc import Callable

import pytest
import torch

from functions_with_backward import Scale, index, inputs, pair, product, scale, w, x
from torch_reference import Verdict, check_function

FORMS = {
    "ordinary": (x, w, index),
    "float32": inputs(3, 4, dtype=torch.float32),
    "zero-dimensional": inputs(),
    "one element": inputs(1),
    "transposed": (x.T, w.T.contiguous(), index),
    "expanded": (x[0].expand(3, 4), w, index),
    "every second column": (x[:, ::2], w[:, ::2], index),
}


@pytest.mark.sample(1)
@pytest.mark.parametrize("arguments", FORMS.values(), ids=FORMS)
def test_a_right_function_agrees_for_every_form_of_input(arguments: tuple) -> None:
    """Two outputs, an integer input, needs_input_grad and None."""
    report = check_function(Scale, scale, *arguments)
    assert report.agrees, str(report)
    assert report.note == ""
    assert f"({str(arguments[0].dtype).removeprefix('torch.')})" in str(report)
    assert [finding.name for finding in report.findings][:2] == ["outputs[0]", "outputs[1]"]


def test_a_pair_of_forward_and_backward_is_enough() -> None:
    """No class is needed."""
    assert check_function(pair(lambda saved, g: (g * saved[1], g * saved[0])), product, x, w).agrees


def changes_its_upstream(saved, g):
    """Saves a temporary."""
    g.mul_(saved[1])
    return g, g


WRONG = {
    "a sign": (lambda s, g: (-g * s[1], g * s[0]), "inputs[0]", Verdict.DIFFERS, "wrong sign"),
    "the upstream ignored": (
        lambda s, g: (s[1].clone(), g * s[0]),
        "inputs[0]",
        Verdict.DIFFERS,
        "upstream forgotten",
    ),
    "no gradient": (lambda s, g: (g * s[1], None), "inputs[1]", Verdict.DIFFERS, "detached"),
    "swapped": (lambda s, g: (g * s[0], g * s[1]), "inputs[0]", Verdict.DIFFERS, "swapped"),
    "summed": (lambda s, g: ((g * s[1]).sum(), g * s[0]), "inputs[0]", Verdict.WRONG_SHAPE, "unknown"),
    "an input itself": (lambda s, g: (g * s[1], s[0]), "inputs[1]", Verdict.DIFFERS, "upstream forgotten"),
    "changed upstream": (changes_its_upstream, "d_loss_d_outputs[0]", Verdict.MUTATED, None),
}


@pytest.mark.parametrize(("backward", "name", "verdict", "kind"), WRONG.values(), ids=WRONG)
def test_a_wrong_backward_is_named_and_diagnosed(
    backward: Callable, name: str, verdict: Verdict, kind: str | None
) -> None:
    """Random upstream gradients: ones would pass the second."""
    first = check_function(pair(backward), product, x, w).first_wrong
    assert (first.name, first.row.verdict) == (name, verdict)
    assert (first.diagnosis.kind if first.diagnosis else None) == kind


def test_a_wrong_output_is_found_before_its_gradient() -> None:
    """A forward that is off by one part in a million, and one that returns its input itself."""
    wrong = (lambda x, w: (x * w * (1 + 1e-6), (x, w))), lambda s, g: (g * s[1], g * s[0])
    assert check_function(wrong, product, x, w).first_wrong.name == "outputs[0]"
    same = (lambda x: (x, None)), lambda s, g: g.clone()
    first = check_function(same, lambda x: x * 1, x).first_wrong
    assert (first.name, first.row.verdict) == ("outputs[0]", Verdict.ALIASED)


@pytest.mark.medium
def test_an_index_among_the_outputs_must_be_equal() -> None:
    """Like max, which returns values and indices."""
    right = (lambda x: ((x.max(), x.argmax()), x)), lambda x, g, *_: g * (x == x.max())

    def reference(x):
        return x.max(), x.argmax()

    assert check_function(right, reference, x).agrees
    wrong = (lambda x: ((x.max(), x.argmin()), x)), right[1]
    assert check_function(wrong, reference, x).first_wrong.name == "outputs[1]"


ERRORS = {
    "nothing to differentiate": (
        lambda: check_function(pair(lambda s, g: g), torch.greater, x, w),
        ValueError,
        "^the reference has no floating-point output: there is nothing to differentiate$",
    ),
    "a position that is none": (
        lambda: check_function(Scale, scale, x, w, index, wrt=[3]),
        ValueError,
        "positions from 0 to 2, found 3",
    ),
    "only integer inputs": (
        lambda: check_function(pair(lambda s, g: g), lambda i: i * 0.5, index),
        ValueError,
        "^inputs: expected at least one tensor of a floating-point type, found a tensor of torch.int64: ",
    ),
    "only integers of numpy": (
        lambda: check_function(pair(lambda s, g: g), lambda i: i * 0.5, index.numpy()),
        ValueError,
        "found an array of int64: there is nothing to differentiate$",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), ERRORS.values(), ids=ERRORS)
def test_what_cannot_be_checked_is_one_clear_line(call: Callable, error: type, message: str) -> None:
    """What was expected, and what was found."""
    with pytest.raises(error, match=message):
        call()


def test_a_backward_with_too_few_gradients_is_a_finding() -> None:
    """In one line, with what was expected."""
    report = check_function(pair(lambda s, g: g), product, x, w)
    assert (report.first_wrong.name, report.first_wrong.row.verdict) == ("backward", Verdict.RAISED)
    assert "backward must return one gradient per input, 2, found 1" in str(report)


def test_of_nothing_no_agreement_is_told() -> None:
    """Zero rows have no number that could be wrong."""
    report = check_function(Scale, scale, *inputs(0, 4))
    assert not report
    assert str(report).startswith("UNDECIDED: nothing was compared")


def test_only_the_inputs_that_are_asked_for_are_compared() -> None:
    """wrt=[1] does not look at x, whose gradient is wrong."""
    wrong_x = pair(lambda s, g: (-g * s[1], g * s[0]))
    assert check_function(wrong_x, product, x, w, wrt=[1]).agrees
    assert not check_function(wrong_x, product, x, w).agrees


@pytest.mark.medium
def test_a_default_device_changes_no_report() -> None:
    """What is drawn to judge and to diagnose a backward lies where the inputs do; meta stands for a GPU."""
    exchanged = torch.tensor([1, 0, 2])
    squares = (lambda x: (x**2, x), lambda x, d: (2 * x * d)[exchanged])
    x = torch.tensor([1.0, 0.0, 3.0], dtype=torch.float64)
    expected = str(check_function(squares, torch.square, x))
    assert "MISMATCH" in expected
    with torch.device("meta"):
        assert str(check_function(squares, torch.square, x)) == expected


@pytest.mark.medium
@pytest.mark.parametrize("factor", [1.0, 1.01])
def test_nor_does_it_of_many_numbers(factor: float) -> None:
    """Which rows are looked at is told on the processor."""
    x = torch.randn(300, 450, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    cubes = (lambda x: (x**3, x), lambda x, d: factor * 3 * x**2 * d)
    expected = str(check_function(cubes, lambda x: x**3, x, ways=[]))
    with torch.device("meta"):
        found = str(check_function(cubes, lambda x: x**3, x, ways=[]))
    assert ("MISMATCH" in found) is (factor != 1)
    assert found.splitlines()[:10] == expected.splitlines()[:10]


@pytest.mark.parametrize("rows", [2, 3])
def test_a_pair_whose_forward_keeps_nothing_is_told_what_it_returns(rows: int) -> None:
    """Of a tensor with two rows one would have been the output, and the other what was kept."""
    pair = torch.tanh, lambda saved, d_loss_d_y: d_loss_d_y
    report = str(check_function(pair, torch.tanh, torch.ones(rows, 3, requires_grad=True)))
    assert "a pair's forward returns (outputs, saved), found Tensor" in report
