"""A call at the given point, in another layout or of another gradient alone, may end the process, too."""

import os
import signal

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference import check_function


@pytest.mark.medium
def test_an_end_at_the_given_point_is_found_too() -> None:
    """A kernel that is handed an upstream gradient of one number for all reads on behind it."""

    def forward(x: Tensor) -> tuple[Tensor, Tensor]:
        x.data_ptr()  # as a kernel does that is handed the memory
        return x.sin(), x

    def backward(x: Tensor, above: Tensor) -> Tensor:
        if not above.is_contiguous():
            os.kill(os.getpid(), signal.SIGSEGV)
        return above * x.cos()

    x = torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    report = check_function((forward, backward), torch.sin, x, ways=["sliced rows", "rows"])
    assert report.note == "with row-sliced upstream gradients"
    [wrong] = [each for each in report.findings if not each.agrees]
    assert (wrong.name, wrong.row.explanation) == ("backward", "the process ends by SIGSEGV")
    assert dict(report.ways)["rows"] == "agrees"


@pytest.mark.medium
def test_torchs_own_end_is_a_warning() -> None:
    """Of a group norm's offsets alone, where images are channels-last (torch 2.13)."""
    images = torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(1))
    images = images.to(memory_format=torch.channels_last)
    gain, offset = torch.ones(4), torch.zeros(4)

    def group_norm(images: Tensor, gain: Tensor, offset: Tensor) -> Tensor:
        return functional.group_norm(images, 2, gain, offset)

    report = check_function(group_norm, group_norm, images, gain, offset, ways=["each input alone"], order=1)
    assert report, str(report)
    assert "the process ends by SIGSEGV" in " ".join(report.warnings)
