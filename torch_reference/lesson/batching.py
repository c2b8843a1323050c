"""One network's function, applied to every network of a batch."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.func import vmap

Values = dict[str, Tensor]
OneNetwork = Callable[[Values, Tensor, Tensor], Values]


def batched(
    one_network: OneNetwork, parameters: Mapping[str, Tensor], inputs: Tensor, observed: Tensor
) -> Values:
    """Apply a function of one network's parameters () and data (n) to leading batch dimensions.

    Shapes: parameters (*batch) or (), data (*batch, n) or (n), results (*batch, *what the function returns)
    """
    parameter_batch, data_batch = next(iter(parameters.values())).shape, inputs.shape[:-1]
    batch = parameter_batch or data_batch
    if not batch:
        return one_network(dict(parameters), inputs, observed)
    if 0 in batch:
        return _no_network(one_network, parameters, inputs, batch)
    n = inputs.shape[-1]
    flat_parameters = {
        name: value.reshape(-1) if parameter_batch else value for name, value in parameters.items()
    }
    flat_data = [data.reshape(-1, n) if data_batch else data for data in (inputs, observed)]
    data_dim = 0 if data_batch else None
    in_dims = (0 if parameter_batch else None, data_dim, data_dim)
    results = vmap(one_network, in_dims=in_dims)(flat_parameters, *flat_data)
    return {name: value.reshape(*batch, *value.shape[1:]) for name, value in results.items()}


def _no_network(
    one_network: OneNetwork, parameters: Mapping[str, Tensor], inputs: Tensor, batch: torch.Size
) -> Values:
    """Results for an empty batch, which vmap refuses: the shapes of one network's, none of its values."""
    zeros = inputs.new_zeros(inputs.shape[-1])
    results = one_network(dict.fromkeys(parameters, zeros[0]), zeros, zeros)
    return {name: value.new_zeros((*batch, *value.shape)) for name, value in results.items()}
