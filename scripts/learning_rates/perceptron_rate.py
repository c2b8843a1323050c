"""The learning rate's limit of any perceptron: its largest curvature, by power iteration."""

import argparse

import torch
from torch import Tensor

from manual_backprop.networks import perceptron
from manual_backprop.training.sharpness import Sharpness, Tensors, largest_eigenvalue
from support.json_documents import print_json


def report(inputs: Tensor, observed: Tensor, options: argparse.Namespace) -> None:
    """Print the largest stable learning rate at the perceptron's random start, for the SSR of the data."""
    widths = (1, *options.hidden, 1)
    network = perceptron.perceptron(widths, (*[options.activation] * len(options.hidden), None))
    generator = torch.Generator().manual_seed(options.seed)
    start = perceptron.initial_parameters(network, generator, inputs.dtype)
    start = {name: parameter.to(inputs.device) for name, parameter in start.items()}

    def gradient(parameters: Tensors) -> Tensors:
        return perceptron.gradients(network, parameters, inputs[:, None], observed[:, None])

    found = largest_eigenvalue(gradient, start, generator)
    if options.json:
        print_json(_document(found, widths, options), indent=2)
    else:
        _print(found, widths, sum(parameter.numel() for parameter in start.values()), options)


def _print(found: Sharpness, widths: tuple[int, ...], count: int, options: argparse.Namespace) -> None:
    from support.tables import open_console

    console = open_console()
    name, data = "-".join(str(width) for width in widths), options.data or "the lesson's data"
    console.print(
        f"Perceptron {name}, {options.activation}, {count} parameters of seed {options.seed}, SSR of "
        f"{data}, {options.dtype} on {options.device}\n"
    )
    off = found.residual + found.error
    limit = f"2 / {found.eigenvalue:.6g} = {found.largest_stable_rate:.4g}"
    if found.eigenvalue <= 0:
        limit = "none: nothing curves upwards"
    console.print(f"Largest eigenvalue of the Hessian       {found.eigenvalue:.6g}, off by at most {off:.1e}")
    console.print(f"Largest stable learning rate there      {limit}")
    console.print(f"Products of the Hessian with a vector   {found.products}")
    if not found.converged:
        console.print("\nThe power iteration has not settled: the figures above are guesses.")
    console.print(
        "\nThe SSR is not quadratic in these parameters: another point has another limit, and a descent that "
        "leaves this one may find a flatter one."
    )


def _document(found: Sharpness, widths: tuple[int, ...], options: argparse.Namespace) -> dict[str, object]:
    return {
        "dtype": options.dtype,
        "device": options.device,
        "widths": list(widths),
        "activation": options.activation,
        "seed": options.seed,
        "largest_eigenvalue": found.eigenvalue,
        "error": found.residual + found.error,
        "products": found.products,
        "converged": found.converged,
        "largest_stable_rate": found.largest_stable_rate if found.eigenvalue > 0 else "inf",
    }
