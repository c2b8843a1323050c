"""The manual forward pass, every link and every derivative agree with torch.nn and autograd."""

import itertools

import torch
from hypothesis import given
from hypothesis import strategies as st

import manual_backprop
import torch_reference
from manual_backprop import CHAINS, DERIVATIVES, PARAMETERS
from strategies import Case, cases, wrt
from torch_reference import Row, compare


def assert_agreement(rows: list[Row]) -> None:
    """Every row agrees; the message shows those that do not."""
    assert rows
    assert not [row for row in rows if not row.agrees]


@given(case=cases())
def test_the_derivative_of_every_parameter_agrees_with_autograd(case: Case) -> None:
    """All derivatives, for random parameters, data, n, batch shapes and dtypes, within the bound."""
    manual = manual_backprop.gradients(*case, wrt=PARAMETERS)
    reference = torch_reference.gradients(*case, wrt=PARAMETERS)
    assert tuple(manual) == tuple(DERIVATIVES) == PARAMETERS
    assert_agreement(compare(manual, reference, torch_reference.bounds(*case)))


@given(case=cases())
def test_every_link_of_every_chain_agrees_with_autograd(case: Case) -> None:
    """Each link is differentiated on its own by autograd, so that no mistake hides behind another."""
    manual = manual_backprop.links(*case, wrt=PARAMETERS)
    assert set(manual) == {link.__name__ for chain in CHAINS.values() for link in chain}
    assert_agreement(compare(manual, torch_reference.links(*case), torch_reference.bounds(*case)))


@given(case=cases())
def test_the_forward_pass_agrees_with_torch_nn(case: Case) -> None:
    """Every named intermediate of the trace, and the SSR; what was given stands in the trace as it is."""
    trace = manual_backprop.forward(*case)
    assert all(
        kept is given_
        for kept, given_ in zip((trace.parameters, trace.inputs, trace.observed), case, strict=True)
    )
    manual = {**trace.intermediates} | {"ssr": trace.ssr}
    reference = torch_reference.forward(*case)
    reference["ssr"] = reference["residual"].square().sum(-1)
    assert_agreement(compare(manual, reference, torch_reference.bounds(*case)))


@given(case=cases())
def test_the_gradient_of_every_intermediate_agrees_with_autograd(case: Case) -> None:
    """d_ssr_d_predicted, d_ssr_d_y1, d_ssr_d_y2, d_ssr_d_x1 and d_ssr_d_x2."""
    links = manual_backprop.links(*case, wrt=PARAMETERS)
    manual = {name: value for name, value in links.items() if name.startswith("d_ssr_")}
    reference = torch_reference.intermediate_gradients(*case)
    assert_agreement(compare(manual, reference, torch_reference.bounds(*case)))


@given(case=cases(batches=False))
def test_the_reference_is_what_backward_leaves_in_an_ordinary_module(case: Case) -> None:
    """torch_reference.gradients equals loss.backward() on the nn.Module, the way every user knows."""
    network = torch_reference.from_parameters(case.parameters)
    predicted = network(case.inputs.unsqueeze(1)).squeeze(1)
    torch.nn.functional.mse_loss(predicted, case.observed, reduction="sum").backward()
    backward = {name: parameter.grad for name, parameter in network.named_parameters()}
    named = torch_reference.lesson.network.named_parameters(backward)
    reference = torch_reference.gradients(*case, wrt=PARAMETERS)
    assert_agreement(compare(named, reference, torch_reference.bounds(*case)))


@given(case=cases(batches=False))
def test_the_module_holds_the_named_parameters_and_gives_copies_back(case: Case) -> None:
    """From the mapping to nn.Linear's weights and back, bit for bit, without shared memory."""
    network = torch_reference.from_parameters(case.parameters)
    assert network.hidden.weight.dtype == case.inputs.dtype
    back = torch_reference.to_parameters(network)
    assert list(back) == list(PARAMETERS)
    assert all(torch.equal(back[name], case.parameters[name]) for name in PARAMETERS)
    with torch.no_grad():
        network.hidden.weight.fill_(7.0)
    assert all(torch.equal(back[name], case.parameters[name]) for name in PARAMETERS)
    assert not any(value.requires_grad for value in back.values())


@given(case=cases(), names=wrt)
def test_any_subset_of_the_gradient_equals_the_whole(case: Case, names: list[str]) -> None:
    """Asking for some parameters gives, bit for bit, what asking for all gives, in the order asked for."""
    whole = manual_backprop.gradients(*case, wrt=PARAMETERS)
    subset = manual_backprop.gradients(*case, wrt=names)
    assert list(subset) == names
    assert all(torch.equal(subset[name], whole[name]) for name in names)


@given(case=cases(batches=False), order=st.randoms(use_true_random=False))
def test_permuting_the_observations_leaves_the_gradient(case: Case, order) -> None:
    """A sum does not depend on the order of its terms, except by the rounding that the bound allows."""
    permutation = list(range(len(case.inputs)))
    order.shuffle(permutation)
    permuted = Case(case.parameters, case.inputs[permutation], case.observed[permutation])
    before = manual_backprop.gradients(*case, wrt=PARAMETERS)
    after = manual_backprop.gradients(*permuted, wrt=PARAMETERS)
    assert_agreement(compare(after, before, torch_reference.bounds(*case)))


@given(case=cases(batches=False, max_n=12), cut=st.integers(1, 11))
def test_the_gradient_of_concatenated_data_is_the_sum_of_the_parts(case: Case, cut: int) -> None:
    """The SSR is a sum over observations, hence so is its gradient: no mean over n is hidden in it."""
    cut = min(cut, len(case.inputs))
    whole = manual_backprop.gradients(*case, wrt=PARAMETERS)
    parts = [
        manual_backprop.gradients(case.parameters, case.inputs[part], case.observed[part], wrt=PARAMETERS)
        for part in (slice(None, cut), slice(cut, None))
        if len(case.inputs[part])
    ]
    # Adding the parts is one more order in which the n terms may be summed, which the bound covers.
    together = {name: sum(part[name] for part in parts) for name in PARAMETERS}
    assert_agreement(compare(together, whole, torch_reference.bounds(*case)))


@given(case=cases())
def test_every_network_of_a_batch_gets_what_it_gets_alone(case: Case) -> None:
    """A batch is many networks side by side: none of them sees another."""
    batch = case.parameters["w1"].shape or case.inputs.shape[:-1]
    gradient = manual_backprop.gradients(*case, wrt=PARAMETERS)
    assert all(value.shape == batch for value in gradient.values())
    bounds = torch_reference.bounds(*case)
    for own in itertools.product(*map(range, batch)):
        parameters = {name: value[own] if value.ndim else value for name, value in case.parameters.items()}
        data = [value[own] if value.ndim > 1 else value for value in (case.inputs, case.observed)]
        alone = manual_backprop.gradients(parameters, *data, wrt=PARAMETERS)
        assert_agreement(
            compare(
                {name: value[own] for name, value in gradient.items()},
                alone,
                {name: bounds[name][own] for name in PARAMETERS},
            )
        )
