"""What several processes send each other adds up to what one finds; here in a group of one."""

from collections.abc import Iterator

import pytest
import torch
import torch.distributed as dist

import torch_reference.lockstep.distributed
import torch_reference.networks.perceptron
from lessons_seven import seven_only
from manual_backprop import lesson
from manual_backprop.fast import triangle
from manual_backprop.networks.perceptron import backward, backwards, forward, initial_parameters, perceptron
from manual_backprop.training import distributed


@pytest.fixture
def group_of_one() -> Iterator[None]:
    """A process group in this process: what is sent comes back."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def test_backwards_yields_each_gradient_once_and_the_last_layers_first() -> None:
    """The same tensors as backward's, in the order in which they can be sent."""
    network = perceptron((3, 4, 2), ("tanh", None))
    generator = torch.Generator().manual_seed(0)
    parameters = initial_parameters(network, generator)
    trace = forward(network, parameters, torch.randn(5, 3, generator=generator, dtype=torch.float64))
    upstream = torch.randn(5, 2, generator=generator, dtype=torch.float64)
    wrt = (*network.parameters, "input", "1.output")
    one_by_one = list(backwards(network, trace, upstream, wrt))
    at_once = backward(network, trace, upstream, wrt)
    names = [name for name, _ in one_by_one]
    assert names == ["2.weight", "2.bias", "1.output", "0.weight", "0.bias", "input"]
    assert all(torch.equal(value, at_once[name]) for name, value in one_by_one)


@pytest.mark.usefixtures("group_of_one")
@pytest.mark.parametrize(("bucket", "messages"), [(1, [4, 80, 28]), (84, [84, 28]), (2**20, [112])])
def test_summed_gives_every_gradient_back_in_its_shape(
    bucket: int, messages: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a message holds one gradient, a few or all; the gradients themselves stay as they are."""
    monkeypatch.setattr(distributed, "BUCKET", bucket)
    sent, send = [], dist.all_reduce
    monkeypatch.setattr(dist, "all_reduce", lambda flat, **how: sent.append(flat.nbytes) or send(flat, **how))
    given = {"a": torch.tensor(3.0), "b": torch.randn(4, 5), "c": torch.zeros(0, 2), "d": torch.randn(7)}
    found = distributed.summed(iter(given.items()))
    assert list(found) == list(given)
    for name, value in given.items():
        assert torch.equal(found[name], value)
        assert found[name].data_ptr() != value.data_ptr() or value.numel() == 0
    assert sent == messages


@seven_only
@pytest.mark.usefixtures("group_of_one")
def test_gather_of_one_process_is_its_triangle() -> None:
    """With the counts and the hidden layer that it carries; a process without data adds nothing."""
    one = triangle.from_data(lesson.start(), *lesson.data())
    found = distributed.gather(one)
    assert torch.equal(found.rows, one.rows)
    triangle.check_hidden(found, one.hidden)
    assert (found.observations, found.roundings) == (one.observations, one.roundings)
    both = triangle.merge([triangle.empty(lesson.start()), one])
    assert both.observations == 3
    assert torch.equal(both.rows.abs(), one.rows.abs())


@pytest.mark.usefixtures("group_of_one")
def test_ddps_gradient_times_the_number_of_processes_is_autograds() -> None:
    """In a group of one, DDP is autograd."""
    widths, activations = (3, 4, 2), ("tanh", None)
    generator = torch.Generator().manual_seed(0)
    parameters = initial_parameters(perceptron(widths, activations), generator)
    inputs, targets = (torch.randn(5, n, generator=generator, dtype=torch.float64) for n in (3, 2))
    found = torch_reference.lockstep.distributed.gradients(widths, activations, parameters, inputs, targets)
    model = torch_reference.networks.perceptron.sequential(widths, activations)
    expected = torch_reference.networks.perceptron.gradients(model, parameters, inputs, targets)
    assert all(torch.equal(found[name], expected[name]) for name in parameters)
