"""Predictions and targets of which no loss can be made are refused in one line each."""

import pytest
import torch
from torch import Tensor

from manual_backprop.losses import LOSSES, averaged
from refused_layers import FLOAT, ones

pytestmark = pytest.mark.usefixtures("as_a_user_runs_it")


def test_the_mean_of_a_loss_of_ones_own_is_its_sum_over_its_terms() -> None:
    """The value and the derivative alike."""
    mean = averaged(LOSSES["ssr"])
    value, saved = mean.forward(torch.tensor([1.0, 2.0]), torch.tensor([4.0, 3.0]))
    assert value.item() == 5.0
    assert mean.d_loss_d_predicted(saved).tolist() == [-3.0, -1.0]


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
