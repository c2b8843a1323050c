"""A backward is called in every way in which torch may call it, and the report says which way failed."""

import pytest
import torch

from functions_with_backward import Scale, index, pair, product, scale, w, x
from torch_reference import Verdict, check_function
from torch_reference.check.ways import second_order
from torch_reference.tolerance.rounding import ExactRun


def contiguous_only(saved, g):
    """Reads the upstream's memory as if it were contiguous, as many a kernel does."""
    flat = (
        torch.as_strided(g, (g.numel(),), (1,))
        if g.untyped_storage().size() >= 8 * g.numel()
        else g.flatten()
    )
    return flat.reshape(g.shape) * saved[1], g * saved[0]


@pytest.mark.medium
def test_a_kernel_that_takes_every_tensor_for_contiguous_is_found() -> None:
    """Right for contiguous upstream gradients, wrong for others: the report says which way failed."""
    report = check_function(pair(contiguous_only), product, x, w)
    assert not report.agrees
    assert report.note == "with non-contiguous upstream gradients"
    assert str(report).startswith(
        "MISMATCH: 1 of 2 gradients differ (float64)\nwith non-contiguous upstream gradients\n"
    )


def test_a_kernel_that_takes_every_upstream_gradient_for_a_full_one_is_found() -> None:
    """sum() hands one number on, expanded: strides of 0, where this backward counts it twice."""
    report = check_function(
        pair(lambda saved, g: (g * saved[1] * (2 if 0 in g.stride() else 1), g * saved[0])), product, x, w
    )
    assert report.first_wrong.name == "inputs[0]"
    assert report.note == "with an expanded upstream gradient"


def test_one_number_is_neither_spread_nor_left_out() -> None:
    """A number and a vector: the vector has gaps in the second way, and keeps its values."""
    seen = []

    def backward(saved, g):
        seen.append((saved[0].stride(), saved[1].stride(), g.stride()))
        return (g * saved[1]).sum(), g * saved[0]

    assert check_function(pair(backward), product, x[0, 0], w[0]).agrees
    assert {((), (1,), (1,)), ((), (2,), (1,)), ((), (1,), (2,)), ((), (1,), (0,))} <= set(seen)


@pytest.mark.medium
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
    assert report.note == "when only inputs[1] requires a gradient"


class WrongSum(torch.autograd.Function):
    """x + w with a wrong gradient for x, whichever way it is called."""

    @staticmethod
    def forward(ctx, x, w):
        """A new tensor."""
        return x + w

    @staticmethod
    def backward(ctx, d_loss_d_sum):
        """The sign of the first."""
        return -d_loss_d_sum, d_loss_d_sum


def test_what_fails_in_every_way_is_reported_of_the_ordinary_one() -> None:
    """Without a remark on how it was called."""
    report = check_function(WrongSum, torch.add, x, w)
    assert (report.first_wrong.name, report.note) == ("inputs[0]", "")


@pytest.mark.medium
def test_an_upstream_gradient_may_be_handed_on_as_it_is() -> None:
    """As torch's own addition does: no new memory is needed. An input may not."""
    right = (lambda x, w: (x + w, x)), lambda saved, g: (g, g)
    assert check_function(right, torch.add, x, w).agrees
    report = check_function((right[0], lambda saved, g: (saved, g)), torch.add, x, w)
    assert ("inputs[0]", Verdict.ALIASED) in [(f.name, f.row.verdict) for f in report.findings]


@pytest.mark.parametrize(("draws", "told"), [(0, False), (4, True)])
def test_a_diagnosis_is_made_where_it_is_asked_for(draws: int, told: bool) -> None:
    """No draws, no diagnosis, and nobody is convicted."""
    first = check_function(WrongSum, torch.add, x, w, draws=draws).first_wrong
    assert (first.diagnosis is not None, first.wrong) == (told, "yours" if told else "")


class SignTimes(torch.autograd.Function):
    """sign(x) · w, and |x| for the eye, which is marked as having no gradient."""

    @staticmethod
    def forward(ctx, x, w):
        """Two outputs."""
        size = x.abs()
        ctx.mark_non_differentiable(size)
        ctx.save_for_backward(x)
        return x.sign() * w, size

    @staticmethod
    def backward(ctx, d_loss_d_product, _):
        """None for x, of which the product is constant wherever it has a derivative."""
        return None, d_loss_d_product * ctx.saved_tensors[0].sign()


@pytest.mark.slow
def test_none_is_zero_and_an_output_may_have_no_gradient() -> None:
    """As autograd takes both; where the gradient is not zero, None is wrong."""

    def sign_times(x, w):
        return torch.sign(x) * w, x.detach().abs()

    report = check_function(SignTimes, sign_times, x, w)
    assert report.agrees, report
    first = check_function(SignTimes, lambda x, w: (x * w, x.detach().abs()), x, w).first_wrong
    assert first.name == "outputs[0]"
    assert "inputs[0]" in str(check_function(SignTimes, lambda x, w: (sign_times(x, w)[0], x.abs()), x, w))


def test_another_shape_of_the_same_inputs_is_no_refusal() -> None:
    """It was said to be refused, as another size or option may be."""

    def function(x):
        return 2 * (x if torch.is_grad_enabled() else x[:1])

    report = check_function(function, lambda x: 2 * x, x, ways=["without grad"], order=1)
    assert report.first_wrong.row.verdict is Verdict.WRONG_SHAPE, report


@pytest.mark.parametrize("value", [0.0, -torch.inf])
def test_a_second_derivative_is_judged_beside_infinite_outputs(value) -> None:
    """A mask of -inf is added to scores; that they are finite is no decision, at which a kink may be."""
    mask = torch.where(torch.arange(x.numel()).reshape(x.shape) % 3 == 0, value, 0.0)

    class Scores(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.square() + mask

        @staticmethod
        def backward(ctx, d_loss_d_y):
            return 2 * ctx.saved_tensors[0].detach() * d_loss_d_y

    report = check_function(Scores, lambda x: x.square() + mask, x, ways=[], order=2)
    assert not report.agrees, report
    with ExactRun() as run:
        second_order._upstream(x + mask, x)
    assert not run.decisions.made


class RowsLessTheirMeans(torch.autograd.Function):
    """Whose rule for batches is right where the batch comes first, and else forbids it, or does not."""

    forbids = False

    @staticmethod
    def forward(x):
        return x - x.mean(-1, keepdim=True)

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, above):
        return above - above.mean(-1, keepdim=True)

    @classmethod
    def vmap(cls, info, in_dims, x):
        if in_dims[0] and cls.forbids:
            raise NotImplementedError("the batch comes first")
        return x - x.mean(-1, keepdim=True), in_dims[0]


@pytest.mark.parametrize(("forbids", "status"), [(True, "agrees"), (False, "fails")])
def test_a_batch_along_the_last_dimension_is_judged_or_forbidden(forbids, status, monkeypatch) -> None:
    """Another rule that is right for the first one alone would be wrong, and nobody would tell."""
    monkeypatch.setattr(RowsLessTheirMeans, "forbids", forbids)
    reference = lambda x: x - x.mean(-1, keepdim=True)  # noqa: E731
    report = check_function(RowsLessTheirMeans, reference, x, ways=["vmap"], order=1)
    assert dict(report.ways) == {"vmap": status}, report
