"""What layers are put together to: architecture describes a perceptron, perceptron differentiates it."""

from manual_backprop.networks.architecture import Perceptron, initial_parameters

__all__ = ["Perceptron", "initial_parameters"]
