"""The Hessian by hand is autograd's, and its Jacobian too, each within a derived bound."""

import itertools
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.func import functional_call, jacrev

from manual_backprop import PARAMETERS, forward, lesson
from manual_backprop.lesson.curvature import hessian, jacobian
from strategies import Case, cases, wrt
from torch_reference import compare
from torch_reference.lesson import curvature
from torch_reference.lesson.ball import MARGIN, Ball, Rounding
from torch_reference.lesson.curvature import hessians, segment_bounds
from torch_reference.lesson.formulas import nodes, straight_terms
from torch_reference.lesson.gradient import REFERENCE
from torch_reference.lesson.network import FORMULAS, state_dict

single = cases(batches=False, dtypes=st.just(torch.float64))
some = wrt.filter(bool)


def autograds_jacobian(case: Case) -> dict[str, Tensor]:
    """Derivative of each prediction with respect to each parameter, (n) each."""

    def predicted(parameters: dict[str, Tensor]) -> Tensor:
        return functional_call(REFERENCE, state_dict(parameters), (case.inputs.unsqueeze(1),)).squeeze(1)

    return jacrev(predicted)(case.parameters)


def jacobian_bounds(case: Case) -> dict[str, Tensor]:
    """What rounding explains of a difference between two Jacobians: the rules of docs/tolerance.md."""
    rounding = Rounding.of(case.inputs.dtype, case.inputs.device)
    exact = {name: rounding.exact(value.expand_as(case.inputs)) for name, value in case.parameters.items()}
    inputs, one = rounding.exact(case.inputs), rounding.exact(torch.ones_like(case.inputs))
    balls: dict[str, Ball] = {name: inputs if factor else one for name, *factor in straight_terms(FORMULAS)}
    for node in nodes(FORMULAS):
        (weight, _), (bias,) = node.terms
        x = rounding.plus(rounding.product(exact[weight], inputs), exact[bias])
        balls[node.out] = rounding.softplus(x)
        balls[bias] = rounding.product(exact[node.out], rounding.sigmoid(x))
        balls[weight] = rounding.product(balls[bias], inputs)
    return {name: 2 * MARGIN * ball.radius for name, ball in balls.items()}


@given(case=single, names=some)
def test_the_jacobian_is_autograds(case: Case, names: list[str]) -> None:
    """A column for each name, in the order asked for."""
    found = jacobian(forward(*case), names)
    assert found.shape == (len(case.inputs), len(names))
    manual = dict(zip(names, found.unbind(-1), strict=True))
    reference = {name: autograds_jacobian(case)[name] for name in names}
    assert not [row for row in compare(manual, reference, jacobian_bounds(case)) if not row.agrees]


def assert_autograds_hessian(found: Tensor, case: Case, names: Sequence[str]) -> None:
    """In the spectral norm, within twice the rounding that docs/trajectory.md derives for any evaluation."""
    point = {name: value.unsqueeze(0) for name, value in case.parameters.items()}
    _, _, rounding = segment_bounds(point, point, case.inputs, case.observed, names)
    [reference] = hessians(point, case.inputs, case.observed, names)
    assert torch.linalg.matrix_norm(found - reference, ord=2) <= 2 * rounding


@given(case=single, names=some)
def test_the_hessian_is_autograds(case: Case, names: list[str]) -> None:
    """For any network, data and names, in the order asked for."""
    found = hessian(forward(*case), names)
    assert found.shape == (len(names), len(names))
    assert_autograds_hessian(found, case, names)


def test_a_hessian_that_underflows_is_autograds() -> None:
    """Where w4 is a few of the smallest numbers, the two are one of these apart: Hypothesis found it."""
    zero = dict.fromkeys(PARAMETERS, torch.tensor(0.0, dtype=torch.float64))
    for count in range(1, 400, 7):
        parameters = zero | {"w4": torch.tensor(count * 5e-324, dtype=torch.float64)}
        case = Case(parameters, torch.zeros(1).double(), torch.ones(1).double())
        assert_autograds_hessian(hessian(forward(*case), ["b2"]), case, ["b2"])


@pytest.mark.parametrize("batched", ["parameters", "data", "both"])
def test_a_batch_of_networks_has_a_batch_of_hessians(batched: str) -> None:
    """None of them sees another; float32 stays float32."""
    generator = torch.Generator().manual_seed(0)
    shape, data_shape = (
        ((2, 3) if batched != "data" else ()),
        ((2, 3, 4) if batched != "parameters" else (4,)),
    )
    parameters = {name: torch.randn(shape, generator=generator) for name in PARAMETERS}
    data = [torch.randn(data_shape, generator=generator) for _ in range(2)]
    assert hessian(forward(parameters, *data), ("w1", "b3")).dtype == torch.float32
    parameters, data = (
        {name: value.double() for name, value in parameters.items()},
        [t.double() for t in data],
    )
    together = hessian(forward(parameters, *data), PARAMETERS)
    assert together.shape == (2, 3, len(PARAMETERS), len(PARAMETERS))
    for own in itertools.product(range(2), range(3)):
        one = {name: value[own] if value.ndim else value for name, value in parameters.items()}
        case = Case(one, *(value[own] if value.ndim > 1 else value for value in data))
        assert_autograds_hessian(together[own], case, PARAMETERS)


@pytest.mark.parametrize(("entries", "parts"), [(1, 6), (2 * 3**2 * 4, 3)])
def test_the_hessians_of_a_long_descent_are_made_in_parts_that_fit_memory(
    entries: int, parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six points, four inputs, nine entries: one point at a time at least, and the same to rounding."""
    generator = torch.Generator().manual_seed(0)
    points = {name: torch.randn(6, generator=generator, dtype=torch.float64) for name in PARAMETERS}
    data = torch.randn(2, 4, generator=generator, dtype=torch.float64)
    at_once = hessians(points, *data, ("w1", "b3", "w4"))
    calls = []

    def counted(*arguments: object) -> Tensor:
        calls.append(1)
        return functional_call(*arguments)

    monkeypatch.setattr(curvature, "ENTRIES_AT_ONCE", entries)
    monkeypatch.setattr(curvature, "functional_call", counted)
    in_parts = hessians(points, *data, ("w1", "b3", "w4"))
    assert len(calls) == parts
    _, _, rounding = segment_bounds(points, points, *data, ("w1", "b3", "w4"))
    assert (torch.linalg.matrix_norm(in_parts - at_once, ord=2) <= 2 * rounding).all()


def test_in_the_output_layer_the_hessian_is_twice_j_transposed_j() -> None:
    """Linear in w3, w4 and b3: 14.8510, 3.0841 and 0.1106, the lesson's default."""
    trace = forward(lesson.start(), *lesson.data())
    first = jacobian(trace)
    assert torch.equal(first, torch.stack([trace.y1, trace.y2, torch.ones_like(trace.y1)], dim=-1))
    assert torch.equal(hessian(trace), 2 * first.mT @ first)
    found = torch.linalg.eigvalsh(hessian(trace)).tolist()
    assert found == pytest.approx([0.1106, 3.0841, 14.8510], abs=5e-5)  # half a unit of the last decimal


@pytest.mark.parametrize("function", [jacobian, hessian])
def test_an_unknown_name_is_an_error_that_lists_the_known_ones(function) -> None:
    """As everywhere."""
    with pytest.raises(ValueError, match="unknown parameter 'w9': the known ones are w1, b1"):
        function(forward(lesson.start(), *lesson.data()), ("w3", "w9"))
