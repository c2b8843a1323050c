"""The backward of a function: autograd.Function or pair, in every way in which torch may call it."""

import re
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from torch_reference import Verdict, check_function
from torch_reference.assertions import assert_always_matches, assert_function_matches, tensors


class Scale(torch.autograd.Function):
    """x · exp(w) and Σ x², with an index that has no gradient; asks needs_input_grad."""

    @staticmethod
    def forward(ctx, x, w, index):
        """Two outputs."""
        ctx.save_for_backward(x, w)
        return x * w.exp(), (x * x).sum()

    @staticmethod
    def backward(ctx, d_loss_d_scaled, d_loss_d_total):
        """None where no gradient is asked for."""
        x, w = ctx.saved_tensors
        needs_x, needs_w, _ = ctx.needs_input_grad
        d_loss_d_x = d_loss_d_scaled * w.exp() + 2 * x * d_loss_d_total if needs_x else None
        return d_loss_d_x, d_loss_d_scaled * x * w.exp() if needs_w else None, None


def scale(x: Tensor, w: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """The same in plain torch."""
    return x * torch.exp(w), (x**2).sum()


def inputs(*shape: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    """Random x and w of that shape, and an index."""
    torch.manual_seed(0)
    return torch.randn(shape, dtype=dtype), torch.randn(shape, dtype=dtype), torch.arange(3)


x, w, index = inputs(3, 4)
FORMS = {
    "ordinary": (x, w, index),
    "float32": inputs(3, 4, dtype=torch.float32),
    "zero-dimensional": inputs(),
    "empty": inputs(0, 4),
    "one element": inputs(1),
    "transposed": (x.T, w.T.contiguous(), index),
    "expanded": (x[0].expand(3, 4), w, index),
    "every second column": (x[:, ::2], w[:, ::2], index),
}


@pytest.mark.parametrize("arguments", FORMS.values(), ids=FORMS)
def test_a_right_function_agrees_for_every_form_of_input(arguments: tuple) -> None:
    """Two outputs, an integer input, needs_input_grad and None."""
    report = check_function(Scale, scale, *arguments)
    assert report.agrees, str(report)
    assert [finding.name for finding in report.findings][:2] == ["outputs[0]", "outputs[1]"]


def pair(backward: Callable) -> tuple[Callable, Callable]:
    """The product x · w as a pair (forward, backward)."""
    return (lambda x, w: (x * w, (x, w))), backward


def product(x: Tensor, w: Tensor) -> Tensor:
    """The same in plain torch."""
    return x * w


def test_a_pair_of_forward_and_backward_is_enough() -> None:
    """No class is needed."""
    assert check_function(pair(lambda saved, g: (g * saved[1], g * saved[0])), product, x, w).agrees


def contiguous_only(saved, g):
    """Reads the upstream's memory as if it were contiguous, as many a kernel does."""
    flat = (
        torch.as_strided(g, (g.numel(),), (1,))
        if g.untyped_storage().size() >= 8 * g.numel()
        else g.flatten()
    )
    return flat.reshape(g.shape) * saved[1], g * saved[0]


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
        "factor missing",
    ),
    "no gradient": (lambda s, g: (g * s[1], None), "inputs[1]", Verdict.DIFFERS, "detached"),
    "swapped": (lambda s, g: (g * s[0], g * s[1]), "inputs[0]", Verdict.DIFFERS, "swapped"),
    "summed": (lambda s, g: ((g * s[1]).sum(), g * s[0]), "inputs[0]", Verdict.WRONG_SHAPE, "unknown"),
    "an input itself": (lambda s, g: (g * s[1], s[0]), "inputs[1]", Verdict.DIFFERS, "factor missing"),
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


def test_a_kernel_that_takes_every_tensor_for_contiguous_is_found() -> None:
    """Right for contiguous upstream gradients, wrong for others: the report says which way failed."""
    report = check_function(pair(contiguous_only), product, x, w)
    assert not report.agrees
    assert "non-contiguous" in report.note


def test_a_backward_that_relies_on_another_inputs_gradient_is_found() -> None:
    """Right when both are asked for, wrong when only the second is: only that way of calling shows it."""

    class Lazy(Scale):
        @staticmethod
        def backward(ctx, d_loss_d_scaled, d_loss_d_total):
            _, w = ctx.saved_tensors
            if not ctx.needs_input_grad[0]:
                return None, torch.zeros_like(w), None
            return Scale.backward(ctx, d_loss_d_scaled, d_loss_d_total)

    report = check_function(Lazy, scale, x, w, index)
    assert report.first_wrong.name == "inputs[1]"
    assert "only inputs[1] requires a gradient" in str(report)


def test_a_wrong_output_is_found_before_its_gradient() -> None:
    """A forward that is off by one part in a million, and one that returns its input itself."""
    wrong = (lambda x, w: (x * w * (1 + 1e-6), (x, w))), lambda s, g: (g * s[1], g * s[0])
    assert check_function(wrong, product, x, w).first_wrong.name == "outputs[0]"
    same = (lambda x: (x, None)), lambda s, g: g.clone()
    first = check_function(same, lambda x: x * 1, x).first_wrong
    assert (first.name, first.row.verdict) == ("outputs[0]", Verdict.ALIASED)


def test_an_index_among_the_outputs_must_be_equal() -> None:
    """Like max, which returns values and indices."""
    right = (lambda x: ((x.max(), x.argmax()), x)), lambda x, g, *_: g * (x == x.max())

    def reference(x):
        return x.max(), x.argmax()

    assert check_function(right, reference, x).agrees
    wrong = (lambda x: ((x.max(), x.argmin()), x)), right[1]
    assert check_function(wrong, reference, x).first_wrong.name == "outputs[1]"


ERRORS = {
    "too few gradients": (
        lambda: check_function(pair(lambda s, g: g), product, x, w),
        TypeError,
        "one gradient per input, 2, found 1",
    ),
    "nothing to differentiate": (
        lambda: check_function(pair(lambda s, g: g), product, index, index),
        ValueError,
        "nothing to differentiate",
    ),
    "a position that is none": (
        lambda: check_function(Scale, scale, x, w, index, wrt=[3]),
        ValueError,
        "positions from 0 to 2, found 3",
    ),
    "only integer inputs": (
        lambda: check_function(pair(lambda s, g: g), lambda i: i * 0.5, index),
        ValueError,
        "no input is of a floating-point type",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), ERRORS.values(), ids=ERRORS)
def test_what_cannot_be_checked_is_one_clear_line(call: Callable, error: type, message: str) -> None:
    """What was expected, and what was found."""
    with pytest.raises(error, match=message):
        call()


def test_only_the_inputs_that_are_asked_for_are_compared() -> None:
    """wrt=[1] does not look at x, whose gradient is wrong."""
    wrong_x = pair(lambda s, g: (-g * s[1], g * s[0]))
    assert check_function(wrong_x, product, x, w, wrt=[1]).agrees
    assert not check_function(wrong_x, product, x, w).agrees


# What other tools let pass.


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


# Assertions.


def test_the_assertion_has_the_report_as_its_message() -> None:
    """In anybody's tests."""
    assert_function_matches(Scale, scale, x, w, index)
    with pytest.raises(AssertionError, match="inputs\\[0\\]: differs"):
        assert_function_matches(pair(lambda s, g: (-g * s[1], g * s[0])), product, x, w)


def test_the_property_based_assertion_shrinks_to_the_smallest_counterexample() -> None:
    """A backward that is wrong for x > 2 only: little is left but one x of 3, the next whole number."""

    def clipped(saved, g):
        return g * torch.where(saved[0] > 2, 2 * saved[1], saved[1]), g * saved[0]

    with pytest.raises(AssertionError, match="inputs\\[0\\]: differs") as error:
        assert_always_matches(pair(clipped), product, ("n", "m"), ("n", "m"))
    example = error.value.__notes__[0]
    numbers = re.findall(r"-?\d+\.\d*", example)
    assert set(numbers) <= {"0.", "1.", "3."}
    assert numbers.count("3.") == 1
    assert len(numbers) <= 8
    right = pair(lambda s, g: (g * s[1], g * s[0]))
    assert_always_matches(right, product, ("n", 2), ("n", 2), max_examples=10, dtype=torch.float32)


def test_the_property_based_assertion_takes_strategies() -> None:
    """Positive numbers for a square root, from a strategy of one's own."""
    positive = tensors((3,)).map(lambda values: values.abs() + 0.1)
    root = (lambda x: (x.sqrt(), x.sqrt())), lambda saved, g: g / (2 * saved)
    assert_always_matches(root, torch.sqrt, positive, max_examples=10)


def test_without_hypothesis_a_line_says_which_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """hypothesis is optional for the packages."""
    import sys

    monkeypatch.setitem(sys.modules, "hypothesis.strategies", None)
    with pytest.raises(ValueError, match=r"pip install 'manual-backprop\[hypothesis\]'"):
        tensors((3,))
