"""Published functions agree with their own values, without a reference; skipped where a package is absent.

pip install transformers monai pytorch-metric-learning kornia
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from torch_reference import check_function

generator = torch.Generator().manual_seed(0)
x, labels = torch.randn(4, 6, generator=generator), torch.tensor([0, 0, 1, 1])
images = torch.randn(2, 3, 4, 4, generator=generator)
truth = (torch.rand(2, 3, 4, 4, generator=generator) > 0.5).float()
one, other = (image[None, :1] for image in images.sigmoid())


def package(name: str) -> Any:
    """The module, or a skipped test."""
    return pytest.importorskip(name, exc_type=ImportError)


Published = tuple[Callable[[], Callable[..., Any]], tuple[Tensor, ...], list[int]]
PUBLISHED: dict[str, Published] = {
    "transformers: quick GELU": (
        lambda: package("transformers.activations").ACT2FN["quick_gelu"], (x,), [0]
    ),
    "transformers: GELU by tanh": (
        lambda: package("transformers.activations").ACT2FN["gelu_new"], (x,), [0]
    ),
    "monai: focal loss": (lambda: package("monai.losses").FocalLoss(), (images, truth), [0]),
    "monai: Dice loss": (lambda: package("monai.losses").DiceLoss(sigmoid=True), (images, truth), [0]),
    "metric learning: supervised contrastive": (
        lambda: package("pytorch_metric_learning.losses").SupConLoss(), (x, labels), [0]
    ),
    "metric learning: triplets": (
        lambda: package("pytorch_metric_learning.losses").TripletMarginLoss(), (x, labels), [0]
    ),
    "kornia: structural similarity": (
        lambda: lambda a, b: package("kornia").losses.ssim_loss(a, b, 3), (one, other), [0, 1]
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("made", "inputs", "wrt"), PUBLISHED.values(), ids=PUBLISHED)
def test_a_published_function_agrees_with_its_own_values(
    made: Callable[[], Any], inputs: tuple[Tensor, ...], wrt: list[int], dtype: torch.dtype
) -> None:
    """In every way of calling, in seconds."""
    function = made()
    given = tuple(value.to(dtype) if value.is_floating_point() else value for value in inputs)
    function(*given)  # skipped here where the package is absent
    report = check_function(function, None, *given, wrt=wrt)
    assert report, str(report)
