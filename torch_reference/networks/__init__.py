"""Perceptrons of torch.nn, and autograd's gradient of them."""

from torch_reference.networks.perceptron import sequential

__all__ = ["sequential"]
