"""Hypothesis strategies for layers, losses and perceptrons.

Hypothesis draws the shape, the kind of values and a seed; the values come from a generator with that seed.
"""

from typing import Any, NamedTuple

import torch
from hypothesis import strategies as st
from torch import Tensor

from manual_backprop.layers.table import LAYERS
from torch_reference.layers import table as reference
from torch_reference.losses import LOSSES

DTYPES = (torch.float32, torch.float64)
KINDS = ("normal", "saturated", "kinks", "equal", "offset", "tiny")
SATURATING = (-1e4, -200.0, -90.0, -30.0, -8.0, -1e-3, 0.0, 1e-3, 8.0, 30.0, 90.0, 200.0, 1e4)

seeds = st.integers(0, 2**32 - 1)
dtypes = st.sampled_from(DTYPES)


class Case(NamedTuple):
    """One layer with its input, its parameters, an upstream gradient, and the options of either side."""

    layer: str
    tensors: dict[str, Tensor]  # "input", the parameters and "d_loss_d_output"
    options: dict[str, Any]  # of manual_backprop
    reference_options: dict[str, Any]


def values(kind: str, shape: tuple[int, ...], dtype: torch.dtype, generator: torch.Generator) -> Tensor:
    """Values of one kind: ordinary ones, or those at which a careless formula breaks."""
    normal = torch.randn(shape, dtype=dtype, generator=generator)
    if kind == "saturated":
        choices = torch.tensor(SATURATING, dtype=dtype)
        return choices[torch.randint(len(choices), shape, generator=generator)]
    if kind == "kinks":
        # Zeros of both signs, and normal values between them.
        return torch.where(torch.rand(shape, generator=generator) < 0.5, normal, 0 * normal)
    if kind == "equal":
        # Every row consists of one value, 1 to 1e4 in size.
        return (
            (normal[..., :1] * 10 ** (4 * torch.rand((), generator=generator)))
            .to(dtype)
            .expand(shape)
            .clone()
        )
    return {"normal": 2 * normal, "offset": 1e4 + normal, "tiny": 1e-6 * normal}[kind]


def spread(tensor: Tensor, contiguous: bool) -> Tensor:
    """The same values, in memory with gaps unless contiguous."""
    if contiguous or tensor.ndim == 0:
        return tensor
    return torch.stack([tensor, torch.full_like(tensor, 9)], dim=-1)[..., 0]


@st.composite
def shapes(draw: st.DrawFn, layer: str) -> tuple[int, ...]:
    """A shape of inputs that the layer takes, an empty batch included where torch takes one."""
    width = draw(st.integers(1, 6), label="width")
    if layer == "batch_norm":
        batch = draw(st.integers(2, 5), label="batch")
        return (batch, width, *draw(st.lists(st.integers(1, 3), max_size=2), label="positions"))
    return (*draw(st.lists(st.integers(0, 4), max_size=2), label="lead"), width)


@st.composite
def cases(draw: st.DrawFn, layer: str) -> Case:
    """Any case of one layer."""
    shape = draw(shapes(layer), label="shape")
    kind = draw(st.sampled_from(KINDS), label="kind")
    probability = draw(st.sampled_from((0.0, 0.3, 0.5, 1.0))) if layer == "dropout" else 0.5
    return make_case(
        layer, shape, kind, draw(dtypes), draw(seeds, label="seed"), draw(st.booleans()), probability
    )


def make_case(
    layer: str,
    shape: tuple[int, ...],
    kind: str,
    dtype: torch.dtype,
    seed: int,
    contiguous: bool = True,
    probability: float = 0.5,
) -> Case:
    """A case from what a strategy, or a test without one, has chosen; upstream gradients are never ones."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {"input": values(kind, shape, dtype, generator)}
    options: dict[str, Any] = {}
    reference_options: dict[str, Any] = {}
    parameters = {
        "linear": {"weight": (3, shape[-1]), "bias": (3,)},
        "batch_norm": {"weight": shape[1:2], "bias": shape[1:2]},
        "embedding": {"weight": (5, 3)},
        # A layer that is not named here has parameters as long as a row.
    }.get(layer, {name: shape[-1:] for name in LAYERS[layer].derivatives if name != "input"})
    tensors |= {name: torch.randn(own, dtype=dtype, generator=generator) for name, own in parameters.items()}
    output_shape = {"linear": (*shape[:-1], 3), "embedding": (*shape, 3)}.get(layer, shape)
    if layer == "embedding":
        tensors["input"] = torch.randint(5, shape, generator=generator)
    if layer == "dropout":
        reference_options = {"generator_state": generator.get_state(), "probability": probability}
        kept = reference.LAYERS["dropout"]({"input": torch.ones(shape, dtype=dtype)}, **reference_options)
        options = {"mask": kept != 0, "probability": probability}
    tensors["d_loss_d_output"] = torch.randn(output_shape, dtype=dtype, generator=generator)
    tensors = {name: spread(tensor, contiguous) for name, tensor in tensors.items()}
    return Case(layer, tensors, options, reference_options)


class LossCase(NamedTuple):
    """Predictions and targets of one loss."""

    loss: str
    predicted: Tensor
    targets: Tensor


@st.composite
def loss_cases(draw: st.DrawFn, loss: str) -> LossCase:
    """Any case of one loss, no rows at all included."""
    width = draw(st.integers(1, 6), label="width")
    longest_lead = 1 if loss.startswith("cross_entropy") else 2
    lead = draw(st.lists(st.integers(0, 4), max_size=longest_lead), label="lead")
    kind = draw(st.sampled_from(KINDS), label="kind")
    return make_loss_case(
        loss, (*lead, width), kind, draw(dtypes), draw(seeds, label="seed"), draw(st.booleans())
    )


def make_loss_case(
    loss: str, shape: tuple[int, ...], kind: str, dtype: torch.dtype, seed: int, contiguous: bool = True
) -> LossCase:
    """A case from what a strategy, or a test without one, has chosen."""
    generator = torch.Generator().manual_seed(seed)
    predicted = spread(values(kind, shape, dtype, generator), contiguous)
    if loss.startswith("cross_entropy"):
        targets = torch.randint(shape[-1], shape[:-1], generator=generator)
    elif loss.startswith("binary"):
        # Hard and soft targets: 0, 1 and numbers between.
        targets = (3 * torch.rand(shape, dtype=dtype, generator=generator) - 1).clamp(0, 1)
    else:
        targets = torch.randn(shape, dtype=dtype, generator=generator)
    return LossCase(loss, predicted, targets)


class PerceptronCase(NamedTuple):
    """A perceptron with its parameters, data and loss."""

    widths: tuple[int, ...]
    activations: tuple[str | None, ...]
    loss: str
    parameters: dict[str, Tensor]
    inputs: Tensor
    targets: Tensor


@st.composite
def perceptron_cases(draw: st.DrawFn) -> PerceptronCase:
    """Any small perceptron: up to three linear layers, any activations, any loss."""
    widths = tuple(draw(st.lists(st.integers(1, 4), min_size=2, max_size=4), label="widths"))
    known = st.sampled_from((None, *reference.ACTIVATIONS))
    count = len(widths) - 1
    activations = tuple(draw(st.lists(known, min_size=count, max_size=count), label="activations"))
    loss = draw(st.sampled_from(tuple(LOSSES)), label="loss")
    rows = draw(st.integers(1, 4), label="rows")
    return make_perceptron_case(widths, activations, loss, rows, draw(dtypes), draw(seeds, label="seed"))


def make_perceptron_case(
    widths: tuple[int, ...],
    activations: tuple[str | None, ...],
    loss: str,
    rows: int,
    dtype: torch.dtype,
    seed: int,
) -> PerceptronCase:
    """A case from what a strategy, or a test without one, has chosen; no parameter is 0."""
    # Neither package is asked for the shapes: beartype's check of a sequence draws from `random`, which
    # Hypothesis forbids in a strategy.
    generator = torch.Generator().manual_seed(seed)
    parameters: dict[str, Tensor] = {}
    index = 0
    for inputs, outputs, activation in zip(widths, widths[1:], activations, strict=False):
        for name, shape in {"weight": (outputs, inputs), "bias": (outputs,)}.items():
            # Outputs of the size of 1, whatever the width.
            normal = torch.randn(shape, dtype=dtype, generator=generator)
            parameters[f"{index}.{name}"] = normal / shape[-1] ** 0.5
        index += 1 if activation is None else 2
    data = torch.randn(rows, widths[0], dtype=dtype, generator=generator)
    targets = make_loss_case(loss, (rows, widths[-1]), "normal", dtype, seed).targets
    return PerceptronCase(widths, activations, loss, parameters, data, targets)
