"""Each witness lies within one radius of what mpmath says, so that two correct ones never raise an alarm."""

import math

import mpmath
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import manual_backprop
import torch_reference
from manual_backprop import PARAMETERS
from manual_backprop.lesson import elementary
from strategies import Case, cases, tensors
from torch_reference.lesson.ball import Ball, Rounding
from torch_reference.lesson.truth import roundings, true_derivative, who_is_wrong

THRESHOLDS = (20, 37, 40, 88, 89, 104, 709, 710, 745)
CPU = torch.device("cpu")


def around_the_thresholds(dtype: torch.dtype) -> Tensor:
    """Every threshold, positive and negative, one rounding below and above it, and zero."""
    points = torch.tensor([*THRESHOLDS, *(-x for x in THRESHOLDS), 0], dtype=dtype)
    infinity = torch.full_like(points, torch.inf)
    return torch.cat([points, torch.nextafter(points, infinity), torch.nextafter(points, -infinity)])


def assert_within_radius(computed: Tensor, ball: Ball, exact: list[mpmath.mpf]) -> None:
    """Every computed element is within one radius of its exact value."""
    for value, radius, truth in zip(computed.tolist(), ball.radius.tolist(), exact, strict=True):
        assert abs(mpmath.mpf(value) - truth) <= radius, (value, truth)


def exact_softplus(x: float) -> mpmath.mpf:
    """SoftPlus to 50 digits."""
    with mpmath.workdps(400):  # 1 + exp(−745) needs 324 digits
        return mpmath.log(1 + mpmath.exp(x))


def exact_sigmoid(x: float) -> mpmath.mpf:
    """Sigmoid to 50 digits."""
    with mpmath.workdps(50):
        return 1 / (1 + mpmath.exp(-mpmath.mpf(x)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_both_softplus_are_exact_to_rounding_around_every_threshold(dtype: torch.dtype) -> None:
    """Logaddexp and nn.Softplus(threshold=40), at 20, 37, 40, 88, 89, 709, 710, to −745, ± one rounding."""
    x = around_the_thresholds(dtype)
    rounding = Rounding.of(dtype, CPU)
    ball = rounding.softplus(rounding.exact(x))
    exact = [exact_softplus(value) for value in x.tolist()]
    assert_within_radius(elementary.softplus(x), ball, exact)
    assert_within_radius(nn.Softplus(threshold=torch_reference.SOFTPLUS_THRESHOLD)(x), ball, exact)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_both_derivatives_of_softplus_are_exact_to_rounding_around_every_threshold(
    dtype: torch.dtype,
) -> None:
    """torch.sigmoid, and autograd's derivative of nn.Softplus(threshold=40)."""
    x = around_the_thresholds(dtype)
    rounding = Rounding.of(dtype, CPU)
    ball = rounding.sigmoid(rounding.exact(x))
    exact = [exact_sigmoid(value) for value in x.tolist()]
    softplus = nn.Softplus(threshold=torch_reference.SOFTPLUS_THRESHOLD)
    autograd = torch.func.grad(lambda values: softplus(values).sum())(x)
    assert_within_radius(elementary.d_softplus_d_x(x), ball, exact)
    assert_within_radius(autograd, ball, exact)


def test_pytorchs_default_threshold_is_wrong_by_a_million_roundings_in_float64() -> None:
    """Just above 20, nn.Softplus() returns x: wrong by exp(−20) = 2e-9, which no rounding explains."""
    x = torch.nextafter(torch.tensor(20.0, dtype=torch.float64), torch.tensor(torch.inf).double())
    exact = exact_softplus(x.item())
    assert nn.Softplus()(x) == x
    assert roundings(nn.Softplus()(x).item(), exact, torch.float64) > 900_000
    assert roundings(elementary.softplus(x).item(), exact, torch.float64) < 5
    wrong_by = abs(nn.Softplus()(x).item() - exact)
    # SoftPlus(x) − x = log1p(exp(−x)), within exp(−2x) / 2 of exp(−x), and x is 2⁻⁴⁸ above 20; as much again
    # covers math.exp and the next term of the series.
    assert abs(float(wrong_by) - math.exp(-20)) <= math.exp(-40) / 2 + 2**-47 * math.exp(-20)


@given(case=cases(max_n=3, batches=False), name=st.sampled_from(PARAMETERS))
def test_both_witnesses_lie_within_one_radius_of_the_true_derivative(case: Case, name: str) -> None:
    """Not only do they agree with each other: each is right, by a witness that shares no derivation."""
    numbers = {key: value.item() for key, value in case.parameters.items()}
    [exact] = true_derivative(name, numbers, case.inputs.tolist(), case.observed.tolist())
    radius = torch_reference.bounds(*case)[name].item() / 2
    manual = manual_backprop.gradients(*case, wrt=[name])[name].item()
    reference = torch_reference.gradients(*case, wrt=[name])[name].item()
    assert abs(mpmath.mpf(manual) - exact) <= radius
    assert abs(mpmath.mpf(reference) - exact) <= radius


@given(case=cases(max_n=2, batches=False), data=st.data())
def test_both_witnesses_lie_within_one_radius_of_every_true_link(case: Case, data: st.DataObject) -> None:
    """The same for one link of the chains."""
    links = manual_backprop.links(*case, wrt=PARAMETERS)
    name = data.draw(st.sampled_from(sorted(links)), label="link")
    numbers = {key: value.item() for key, value in case.parameters.items()}
    exact = true_derivative(name, numbers, case.inputs.tolist(), case.observed.tolist())
    ball = Ball(links[name], torch_reference.bounds(*case)[name] / 2)
    assert_within_radius(links[name], ball, exact)
    assert_within_radius(torch_reference.links(*case)[name], ball, exact)


@given(terms=st.integers(1, 30).flatmap(lambda n: tensors((n,), torch.float32)), order=st.randoms())
def test_a_sum_in_any_order_lies_within_its_radius(terms: Tensor, order) -> None:
    """The naive loop, the worst order there is for rounding, and torch.sum."""
    rounding = Rounding.of(torch.float32, CPU)
    ball = rounding.sum(rounding.exact(terms))
    exact = mpmath.fsum(terms.tolist())
    shuffled = terms.tolist()
    order.shuffle(shuffled)
    loop = torch.zeros(())
    for term in shuffled:
        loop = loop + torch.tensor(term)
    for computed in (loop, terms.sum()):
        assert abs(mpmath.mpf(computed.item()) - exact) <= ball.radius.item()


def test_the_bound_is_within_a_few_roundings_of_the_derivative_on_the_lessons_data() -> None:
    """The other side: on the lesson's data no bound exceeds a hundred roundings of its derivative."""
    from manual_backprop import lesson

    network = (lesson.start(), *lesson.data())
    bounds = torch_reference.bounds(*network)
    gradient = torch_reference.gradients(*network, wrt=PARAMETERS)
    unit = torch.finfo(torch.float64).eps / 2
    # w2's terms cancel to a ninth of their size; the others do not cancel.
    # A parameter that the lesson does not know starts at 0, and so may its derivative.
    names = [name for name in PARAMETERS if gradient[name]]
    roundings_allowed = {name: (bounds[name] / gradient[name].abs() / unit).item() for name in names}
    assert max(roundings_allowed.values()) < 200
    assert min(roundings_allowed.values()) > 10


def test_truth_names_the_witness_that_is_wrong() -> None:
    """Manual, reference, both or neither, by half the bound; NaN is always wrong."""
    exact = mpmath.mpf(1)
    assert who_is_wrong(1.0, 1.0, exact, 0.2) == "neither"
    assert who_is_wrong(1.1, 0.9, exact, 0.25) == "neither"
    assert who_is_wrong(1.2, 1.0, exact, 0.2) == "manual"
    assert who_is_wrong(1.0, 0.8, exact, 0.2) == "reference"
    assert who_is_wrong(1.2, math.nan, exact, 0.2) == "both"


def test_a_rounding_is_half_the_spacing_at_one() -> None:
    """Also below the smallest normal number, where the spacing no longer shrinks."""
    eps = torch.finfo(torch.float64).eps
    assert roundings(1.0, mpmath.mpf(1), torch.float64) == 0
    assert roundings(1 + eps, mpmath.mpf(1), torch.float64) == 2
    assert roundings(1 + eps, mpmath.mpf(1), torch.float32) == 2**-28
    assert roundings(5e-324, mpmath.mpf(0), torch.float64) == 2


@pytest.mark.parametrize("name", ["w9", "d_ssr_d_w3", "d_y1_d_x2", "predicted", "d_nothing_d_x1"])
def test_truth_refuses_an_unknown_name(name: str) -> None:
    """The message says what was expected."""
    with pytest.raises(ValueError, match=r"unknown derivative .*expected a parameter"):
        true_derivative(name, dict.fromkeys(PARAMETERS, 1.0), [1.0], [1.0])
