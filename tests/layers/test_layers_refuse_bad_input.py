"""Bad input of a layer or a loss is refused in one line: what was wrong, expected and found."""

import pytest
import torch

from manual_backprop.layers.activations import elementwise
from refused_layers import FLOAT, WEIGHT_AND_BIAS, Bad, ones, refused

pytestmark = pytest.mark.usefixtures("as_a_user_runs_it")

MASK = {"mask": ones(2, 5) > 0}

OTHER_PARAMETERS = {
    "linear": "linear takes the parameters ['weight', 'bias'], found ['gain']",
    "layer_norm": "layer norm takes the parameters ['weight', 'bias'], found ['gain']",
    "batch_norm": "batch norm takes the parameters ['weight', 'bias'], found ['gain']",
    "embedding": "embedding takes the parameters ['weight'], found ['gain']",
    "softmax": "softmax takes the parameters [], found ['gain']",
    "dropout": "dropout takes the parameters [], found ['gain']",
    "relu": "an activation takes the parameters [], found ['gain']",
}

SHAPES = [
    Bad(
        "linear",
        {"weight": ones(3, 4), "bias": ones(3)},
        ones(2, 5),
        "inputs must have shape (..., 4) to fit the weight (3, 4), found (2, 5)",
    ),
    Bad(
        "linear",
        {"weight": ones(3, 5), "bias": ones(3)},
        ones(),
        "inputs must have shape (..., 5) to fit the weight (3, 5), found ()",
    ),
    Bad(
        "linear",
        {"weight": ones(3, 5), "bias": ones(1)},
        ones(2, 5),
        "bias must have shape (3,), found (1,)",
    ),
    Bad(
        "linear",
        {"weight": ones(5), "bias": ones(1)},
        ones(2, 5),
        "weight must have shape (outputs, inputs), found (5,)",
    ),
    *(
        Bad(
            "layer_norm",
            {"weight": ones(*row), "bias": ones(*row)},
            ones(*inputs),
            f"inputs must end with the weight's shape {row}, at least one element: found {inputs}",
        )
        for row, inputs in [((4,), (2, 5)), ((), ()), ((0,), (2, 0))]
    ),
    Bad(
        "layer_norm",
        {"weight": ones(5), "bias": ones(1)},
        ones(2, 5),
        "bias must have shape (5,), found (1,)",
    ),
    *(
        Bad(
            "batch_norm",
            {"weight": ones(4), "bias": ones(4)},
            ones(*inputs),
            f"inputs must have shape (n, 4, ...) to fit the weight (4,), found {inputs}",
        )
        for inputs in [(3, 5), (4,)]
    ),
    Bad(
        "batch_norm",
        {"weight": ones(5), "bias": ones(5)},
        ones(1, 5),
        "batch norm needs at least two values per channel, found 1",
    ),
    Bad(
        "batch_norm",
        {"weight": ones(0), "bias": ones(0)},
        ones(3, 0),
        "batch norm needs at least two values per channel, found 0",
    ),
    *(
        Bad(
            "softmax",
            {},
            ones(*inputs),
            f"inputs must have shape (..., k) with k of at least 1, found {inputs}",
        )
        for inputs in [(), (2, 0)]
    ),
    Bad("dropout", {}, ones(5), "the mask must have shape (5,), found (2, 5)", options=MASK),
    *(
        Bad(
            "dropout",
            {},
            ones(2, 5),
            f"the probability must be from 0 to 1, found {p}",
            options=MASK | {"probability": p},
        )
        for p in (1.5, -0.1)
    ),
    Bad(
        "dropout",
        {},
        ones(2, 5),
        "the mask must be torch.bool, found torch.float64",
        TypeError,
        {"mask": ones(2, 5)},
    ),
    Bad(
        "embedding",
        {"weight": ones(3)},
        torch.tensor([0]),
        "weight must have shape (rows, width), found (3,)",
    ),
    Bad("embedding", {"weight": ones(3, 2)}, torch.tensor([0, 3]), "indices must be from 0 to 2, found 3"),
    Bad("embedding", {"weight": ones(3, 2)}, torch.tensor([-1, 3]), "indices must be from 0 to 2, found -1"),
    Bad(
        "embedding",
        {"weight": ones(3, 2)},
        ones(1),
        "inputs must be indices of torch.int64, found torch.float64",
        TypeError,
    ),
    Bad(
        "embedding",
        {"weight": ones(3, 2, dtype=torch.float16)},
        torch.tensor([0]),
        f"weight must be {FLOAT}, found torch.float16",
        TypeError,
    ),
]


@pytest.mark.parametrize("bad", SHAPES, ids=lambda bad: f"{bad.layer}: {bad.message}")
def test_what_does_not_fit_is_refused(bad: Bad) -> None:
    """Shapes, indices and probabilities."""
    refused(bad)


@pytest.mark.parametrize(("layer", "message"), OTHER_PARAMETERS.items())
def test_other_parameters_are_refused(layer: str, message: str) -> None:
    """A parameter that would be ignored, or that is missing, is an error that names the layer."""
    refused(Bad(layer, {"gain": ones(5)}, ones(2, 5), message, options=MASK if layer == "dropout" else {}))


@pytest.mark.parametrize("layer", sorted(OTHER_PARAMETERS.keys() - {"embedding"}))
def test_inputs_that_are_no_floats_are_refused(layer: str) -> None:
    """No tensor, and half precision, for which no tolerance was derived."""
    parameters, options = WEIGHT_AND_BIAS.get(layer, {}), MASK if layer == "dropout" else {}
    for inputs, found in (([1.0], "list"), (ones(2, 5, dtype=torch.float16), "torch.float16")):
        wanted = "a torch.Tensor" if found == "list" else FLOAT
        message = f"inputs must be {wanted}, found {found}"
        refused(Bad(layer, parameters, inputs, message, TypeError, options))


def test_an_activation_of_ones_own_is_as_strict() -> None:
    """Made anew from a function and its derivative: the chain rule, and the same two lines."""
    square = elementwise(torch.square, lambda x: 2 * x)
    output, saved = square.forward({}, torch.tensor([3.0, -4.0]))
    assert output.tolist() == [9.0, 16.0]
    assert square.backward(saved, torch.tensor([5.0, 7.0]))["input"].tolist() == [30.0, -56.0]
    with pytest.raises(ValueError, match=r"^an activation takes the parameters \[\], found \['gain'\]$"):
        square.forward({"gain": ones(1)}, ones(2))
    with pytest.raises(TypeError, match=r"^inputs must be a torch\.Tensor, found list$"):
        square.forward({}, [1.0])
