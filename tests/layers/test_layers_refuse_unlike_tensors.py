"""Parameters unlike the inputs, and an upstream gradient unlike the output, are refused."""

import pytest

from manual_backprop.layers.table import LAYERS
from refused_layers import FLOAT, WEIGHT_AND_BIAS, Bad, ones, refused

pytestmark = pytest.mark.usefixtures("as_a_user_runs_it")


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
