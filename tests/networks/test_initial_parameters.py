"""The parameters with which a perceptron starts."""

import pytest
import torch

import torch_reference.losses.table
import torch_reference.networks.perceptron
from manual_backprop.networks import perceptron
from manual_backprop.networks.architecture import initial_parameters


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_initial_parameters_are_those_of_nn_linear(dtype: torch.dtype) -> None:
    """From the same state of the generator, torch draws the same numbers, but for the bound's rounding.

    The draws are scaled by 2/√k here and by 2·√3·√(1/3)/√k there: seven roundings apart at most.
    """
    torch.manual_seed(3)
    with torch.device("cpu"):
        torch.set_default_dtype(dtype)
        try:
            expected = torch_reference.networks.perceptron.sequential((5, 7, 2), ("relu", None)).state_dict()
        finally:
            torch.set_default_dtype(torch.float32)
    network = perceptron.perceptron((5, 7, 2), ("relu", None))
    found = perceptron.initial_parameters(network, torch.Generator().manual_seed(3), dtype)
    assert list(found) == list(expected)
    for name, tensor in found.items():
        # A draw is low + u · (high − low): its rounding is that of the bound, not of the draw.
        bound = 7 * torch.finfo(dtype).eps / (7 if name.startswith("2") else 5) ** 0.5
        assert tensor.dtype == dtype
        assert (tensor - expected[name]).abs().max() <= bound


def test_the_seed_decides_the_initial_parameters() -> None:
    """The same seed gives the same bits, another seed other ones."""
    network = perceptron.perceptron((5, 7, 2), ("relu", None))
    first, same, other = (
        perceptron.initial_parameters(network, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in first)


def test_initial_parameters_are_on_the_generators_device_and_in_the_dtype() -> None:
    """float64 unless another is asked for; an activation has no shapes."""
    network = perceptron.perceptron((3, 4), ("relu",))
    assert [module.shapes for module in network.modules] == [{"weight": (4, 3), "bias": (4,)}, {}]
    for dtype, arguments in ((torch.float64, ()), (torch.float32, (torch.float32,))):
        drawn = initial_parameters(network, torch.Generator().manual_seed(1), *arguments)
        assert {value.dtype for value in drawn.values()} == {dtype}
        assert {value.device.type for value in drawn.values()} == {"cpu"}
