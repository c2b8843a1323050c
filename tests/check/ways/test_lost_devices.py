"""A kernel that ends the use of a GPU, as by an address that is not aligned, is reported, not raised."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from torch_reference import check_function

ERROR = "CUDA error: misaligned address"
STILL_WORKS = ("_set_grad_enabled", "set_rng_state")


class Device(TorchFunctionMode):
    """Once it is lost, every operation raises the error."""

    def __init__(self) -> None:
        """Work at first."""
        super().__init__()
        self.lost, self.asked = False, list[str]()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation, or raise."""
        if self.lost and func.__name__ not in STILL_WORKS:
            self.asked.append(func.__name__)
            raise RuntimeError(ERROR)
        return func(*args, **(kwargs or {}))


WHERE = {
    "as it was given": lambda x: True,
    "with offset inputs": lambda x: x.storage_offset() == 3,
    "with non-contiguous inputs": lambda x: x.stride(-1) != 1,
    "with one row": lambda x: len(x) == 1,
}


@pytest.mark.parametrize("where", WHERE)
def test_what_loses_the_device_is_reported(where: str) -> None:
    """The way that did is named; in no other one is anything asked of the device."""
    device = Device()

    def doubled(x: Tensor) -> Tensor:
        if WHERE[where](x):
            device.lost = True
            raise RuntimeError(ERROR)
        return x * 2

    with device:
        report = check_function(doubled, lambda x: x * 2, torch.ones(3, 4), redraw=True)
    text = str(report)
    assert not report.agrees
    assert f"RuntimeError: {ERROR}" in text
    assert where == "as it was given" or where in text.splitlines()[1]
    assert not device.asked
    left = [status for _, status in report.ways if status == "not judged (no device)"]
    assert text.count("not judged (no device)") == bool(left)


def test_an_index_that_is_not_taken_is_no_mistake() -> None:
    """A reference may take -100 where a kernel asserts that there is none: as a processor refuses it."""
    device = Device()

    def rows(table: Tensor, ids: Tensor) -> Tensor:
        if (ids < 0).any():
            device.lost = True
            raise RuntimeError("CUDA error: device-side assert triggered")
        return table[ids]

    def reference(table: Tensor, ids: Tensor) -> Tensor:
        return (ids[:, None] == torch.arange(4)).to(table.dtype) @ table

    with device:
        ways = ["ignored indices", "rows"]
        report = check_function(rows, reference, torch.ones(4, 3), torch.arange(4), ways=ways, order=1)
    assert report.agrees, report
    assert dict(report.ways) == dict.fromkeys(ways, "not judged (no device)")


def test_a_launch_that_is_refused_loses_no_device() -> None:
    """CUDA begins no launch of no block: the function takes no empty batch, and all else is asked of it."""

    def doubled(x: Tensor) -> Tensor:
        if not len(x):
            raise RuntimeError("CUDA error: invalid configuration argument")
        return x * 2

    report = check_function(doubled, lambda x: x * 2, torch.ones(3, 4), order=1)
    assert report, str(report)
    assert "no device" not in str(report)
