"""Bad input of a layer or a loss is refused in one line: what was wrong, expected and found."""

from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from manual_backprop.layers.activations import elementwise
from manual_backprop.layers.table import LAYERS
from manual_backprop.losses import LOSSES, averaged

pytestmark = pytest.mark.usefixtures("as_a_user_runs_it")

FLOAT = "torch.float32 or torch.float64"


class Bad(NamedTuple):
    """A call of a layer, and the error that it must raise."""

    layer: str
    parameters: dict[str, Tensor]
    inputs: object
    message: str
    error: type[Exception] = ValueError
    options: dict[str, object] = {}  # noqa: RUF012 - a NamedTuple's default, never written


def ones(*shape: int, dtype: torch.dtype = torch.float64, device: str = "cpu") -> Tensor:
    """Ones, where an error is expected before any value is read."""
    return torch.ones(shape, dtype=dtype, device=device)


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
WEIGHT_AND_BIAS = {
    "linear": {"weight": ones(3, 5), "bias": ones(3)},
    "layer_norm": {"weight": ones(5), "bias": ones(5)},
    "batch_norm": {"weight": ones(5), "bias": ones(5)},
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


def refused(bad: Bad) -> None:
    """The layer raises exactly this error."""
    with pytest.raises(bad.error) as raised:
        LAYERS[bad.layer].forward(bad.parameters, bad.inputs, **bad.options)
    assert str(raised.value) == bad.message


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


def test_the_mean_of_a_loss_of_ones_own_is_its_sum_over_its_terms() -> None:
    """The value and the derivative alike."""
    mean = averaged(LOSSES["ssr"])
    value, saved = mean.forward(torch.tensor([1.0, 2.0]), torch.tensor([4.0, 3.0]))
    assert value.item() == 5.0
    assert mean.d_loss_d_predicted(saved).tolist() == [-3.0, -1.0]


@pytest.mark.parametrize("parameter", ["weight", "bias"])
@pytest.mark.parametrize("layer", WEIGHT_AND_BIAS)
def test_parameters_unlike_the_inputs_are_refused(layer: str, parameter: str) -> None:
    """float32 would silently be promoted; the meta device stands for any that this machine may not have."""
    good = WEIGHT_AND_BIAS[layer]
    for changed, error, message in (
        (good[parameter].float(), TypeError, "the dtype of inputs, torch.float64, found torch.float32"),
        (good[parameter].half(), TypeError, None),
        (good[parameter].to("meta"), ValueError, "on the device of inputs, cpu, found meta"),
    ):
        expected = f"{parameter} must be {FLOAT}, found torch.float16"
        if message:
            expected = f"{parameter} must {'have' if error is TypeError else 'be'} {message}"
        refused(Bad(layer, good | {parameter: changed}, ones(2, 5), expected, error))


def test_an_upstream_gradient_unlike_the_output_is_refused() -> None:
    """No tensor, another shape, dtype or device: each in one line."""
    layer = LAYERS["tanh"]
    _, saved = layer.forward({}, ones(2, 5))
    for upstream, error, message in (
        ([1.0], TypeError, "d_loss_d_output must be a torch.Tensor, found list"),
        (ones(1), ValueError, "d_loss_d_output must have shape (2, 5), found (1,)"),
        (ones(2, 5).half(), TypeError, f"d_loss_d_output must be {FLOAT}, found torch.float16"),
        (
            ones(2, 5).float(),
            TypeError,
            "d_loss_d_output must have the dtype of the forward pass, torch.float64, found torch.float32",
        ),
        (
            ones(2, 5, device="meta"),
            ValueError,
            "d_loss_d_output must be on the device of the forward pass, cpu, found meta",
        ),
    ):
        with pytest.raises(error) as raised:
            layer.backward(saved, upstream)
        assert str(raised.value) == message


CLASSES = torch.tensor([0, 2])
BAD_LOSSES = [
    ("ssr", ones(2).half(), ones(2), TypeError, f"predicted must be {FLOAT}, found torch.float16"),
    ("ssr", ones(2), ones(2, 1), ValueError, "targets must have shape (2,), found (2, 1)"),
    ("ssr", ones(2), [1.0], TypeError, "targets must be a torch.Tensor, found list"),
    (
        "ssr",
        ones(2),
        ones(2).float(),
        TypeError,
        "targets must have the dtype of predicted, torch.float64, found torch.float32",
    ),
    (
        "binary_cross_entropy_sum",
        ones(2).half(),
        ones(2),
        TypeError,
        f"predicted must be {FLOAT}, found torch.float16",
    ),
    (
        "binary_cross_entropy_sum",
        ones(2),
        ones(2, device="meta"),
        ValueError,
        "targets must be on the device of predicted, cpu, found meta",
    ),
    ("binary_cross_entropy_sum", ones(2), ones(1), ValueError, "targets must have shape (2,), found (1,)"),
    ("cross_entropy_sum", [1.0], CLASSES, TypeError, "predicted must be a torch.Tensor, found list"),
    *(
        (
            "cross_entropy_sum",
            ones(*shape),
            CLASSES,
            ValueError,
            f"predicted must have shape (n, k) or (k), found {shape}",
        )
        for shape in [(2, 3, 4), (), (2, 0)]
    ),
    (
        "cross_entropy_sum",
        ones(2, 3),
        CLASSES.float(),
        TypeError,
        "targets must be classes of torch.int64, found torch.float32",
    ),
    ("cross_entropy_sum", ones(3, 3), CLASSES, ValueError, "targets must have shape (3,), found (2,)"),
    ("cross_entropy_sum", ones(2), CLASSES[1], ValueError, "classes must be from 0 to 1, found 2"),
    ("cross_entropy_sum", ones(2, 2), CLASSES, ValueError, "classes must be from 0 to 1, found 2"),
    ("cross_entropy_sum", ones(2, 3), CLASSES - 1, ValueError, "classes must be from 0 to 2, found -1"),
]


@pytest.mark.parametrize(("loss", "predicted", "targets", "error", "message"), BAD_LOSSES)
def test_predictions_and_targets_that_do_not_fit_are_refused(
    loss: str, predicted: Tensor, targets: Tensor, error: type[Exception], message: str
) -> None:
    """Torch's ignore_index of −100 is an error like every class that there is not."""
    with pytest.raises(error) as raised:
        LOSSES[loss].forward(predicted, targets)
    assert str(raised.value) == message
