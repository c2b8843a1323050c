"""The third witness is right on its own account: every derivative, to 30 digits, also where it is tiny."""

import mpmath
import pytest
import torch

import torch_reference
from manual_backprop import CHAINS, PARAMETERS, lesson
from manual_backprop.fast.seven_parameters import SEVEN
from ordinary_network import ordinary_network
from torch_reference.lesson.truth import true_derivative, who_is_wrong

ORDINARY = ordinary_network()
LINKS = dict.fromkeys(link.__name__ for chain in CHAINS.values() for link in chain)
NUMBERS = {name: value.item() for name, value in ORDINARY[0].items()}
DATA = (ORDINARY[1].tolist(), ORDINARY[2].tolist())


@pytest.mark.parametrize("name", [*PARAMETERS, *LINKS])
def test_every_true_derivative_is_autograds_to_within_its_radius(name: str) -> None:
    """All parameters and all links of an ordinary network, none of them by chance."""
    autograd = torch_reference.gradients(*ORDINARY, wrt=PARAMETERS) | torch_reference.links(*ORDINARY)
    radius = (torch_reference.bounds(*ORDINARY)[name] / 2).reshape(-1).tolist()
    exact = true_derivative(name, NUMBERS, *DATA)
    for value, truth, allowed in zip(autograd[name].reshape(-1).tolist(), exact, radius, strict=True):
        assert abs(mpmath.mpf(value) - truth) <= allowed


@pytest.mark.parametrize("b1", [-30.0, -120.0, -700.0, -790.0])
def test_a_tiny_derivative_beside_a_large_ssr_has_30_digits(b1: float) -> None:
    """At a thousand digits, differentiating the same SSR written out once more, nothing can be lost."""
    # A parameter that the SSR below does not know is 0.
    parameters = dict.fromkeys(PARAMETERS, 0.0) | {name: NUMBERS[name] for name in SEVEN} | {"b1": b1}
    inputs, observed = [1.25], [1e6]

    def ssr(b1: mpmath.mpf) -> mpmath.mpf:
        p = {name: mpmath.mpf(value) for name, value in parameters.items()}
        y1 = mpmath.log(1 + mpmath.exp(p["w1"] * inputs[0] + b1))
        y2 = mpmath.log(1 + mpmath.exp(p["w2"] * inputs[0] + p["b2"]))
        return (observed[0] - (p["w3"] * y1 + p["w4"] * y2 + p["b3"])) ** 2

    [found] = true_derivative("b1", parameters, inputs, observed)
    with mpmath.workdps(1000):
        expected = mpmath.diff(ssr, mpmath.mpf(b1))
        assert abs(found - expected) <= max(abs(expected) * mpmath.mpf(10) ** -30, mpmath.mpf(10) ** -359)


def test_a_tiny_derivative_of_a_tiny_ssr_is_not_lost_in_the_difference_quotients_step() -> None:
    """At w3 = 3.9e-301 the SSR is 1e-601, and 1e-100 one step away: fifty digits there see no w3 at all."""
    parameters = dict.fromkeys(PARAMETERS, 0.0) | {"w3": 3.8739e-301}
    [found] = true_derivative("w3", parameters, [0.0], [0.0])
    with mpmath.workdps(50):
        expected = 2 * mpmath.mpf(3.8739e-301) * mpmath.log(2) ** 2
        assert abs(found - expected) <= abs(expected) * mpmath.mpf(10) ** -30


def test_a_derivative_that_is_zero_is_found_to_be_zero() -> None:
    """With all inputs at zero, w1 does nothing."""
    [found] = true_derivative("w1", NUMBERS, [0.0, 0.0], [1.0, 2.0])
    assert found == 0


def test_observations_without_an_input_are_an_error() -> None:
    """They are not dropped in silence."""
    with pytest.raises(ValueError, match="longer"):
        true_derivative("w1", NUMBERS, [1.0], [1.0, 2.0])


def test_an_unknown_name_is_an_error_that_lists_the_parameters() -> None:
    """In one line."""
    with pytest.raises(ValueError, match=rf"expected a parameter \({', '.join(PARAMETERS)}\) or a link$"):
        true_derivative("d_ssr_d_predicted_d_y1", NUMBERS, *DATA)


def test_a_witness_at_exactly_one_radius_is_right() -> None:
    """The radius itself is allowed, on either side."""
    assert who_is_wrong(1.25, 0.75, mpmath.mpf(1), 0.5) == "neither"
    assert who_is_wrong(1.0, 0.5, mpmath.mpf(1), 0.5) == "reference"


def test_the_lesson_comes_on_the_device_that_is_asked_for() -> None:
    """Parameters and data; the meta device stands for any."""
    tensors = [*lesson.start(device="meta").values(), *lesson.data(device="meta")]
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    assert {tensor.dtype for tensor in lesson.start(torch.float32).values()} == {torch.float32}
    assert {tensor.dtype for tensor in lesson.data(torch.float32)} == {torch.float32}
