"""The floor of a gradient on many observations: reading the data once, and evaluating SoftPlus twice."""

import ctypes
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

import torch_reference
from benchmarks.contest import Contest, Contestant
from benchmarks.lesson_gradient import ALL, data
from manual_backprop import gradients, lesson
from manual_backprop.fast import lesson_gradient as fast
from manual_backprop.fast.kernels import compiled_library, compiler
from manual_backprop.fast.kernels.plain_tensors import addresses_of
from manual_backprop.fast.parallel_blocks import BLOCK, in_parallel
from manual_backprop.lesson import elementary

SOURCE = Path(__file__).with_name("floor.c")
KERNELS = "two SoftPlus by the kernel"


def contest(observations: int, dtype: torch.dtype) -> Contest:
    """The peers are parts of our work: the larger their share of its time, the closer it is to the floor.

    Shapes: a number of observations that is a multiple of 8
    """
    inputs, observed = data(observations, dtype, torch.device("cpu"))
    parameters = lesson.start(dtype)
    case = (parameters, inputs, observed)
    x1, x2 = (parameters[w] * inputs + parameters[b] for w, b in (("w1", "b1"), ("w2", "b2")))
    peers = [
        Contestant("reading the data once", lambda: (inputs.sum(), observed.sum())),
        Contestant("two torch.logaddexp", lambda: (elementary.softplus(x1), elementary.softplus(x2))),
        Contestant("gradient of all seven", lambda: fast.gradients(*case, ALL[7])),
    ]
    sums = _kernels_two_softplus([parameters[name] for name in ALL[7]], inputs)
    if sums:
        peers.insert(2, Contestant(KERNELS, sums))

    def check() -> None:
        """The gradient within its bound, and the kernel's sums of SoftPlus near those of torch."""
        rows = torch_reference.compare(
            fast.gradients(*case, ALL[7]), gradients(*case, ALL[7]), torch_reference.bounds(*case)
        )
        assert all(row.agrees for row in rows), rows
        for found, x in zip(sums() if sums else (), (x1, x2), strict=False):
            right = elementary.softplus(x.double()).sum()
            # SoftPlus is positive: a sum of n loses n - 1 roundings of itself at most, and each term a few.
            assert abs(found.double() - right) <= (observations + 8) * torch.finfo(dtype).eps * right

    return Contest(
        name="floor",
        title=f"floor of the gradient of w3, w4, b3, {observations:,} observations",
        size=observations,
        ours=Contestant("manual_backprop.fast.lesson_gradient", lambda: fast.gradients(*case, ALL[3])),
        peers=peers,
        goals={},
        check=check,
        missing=[] if sums else [KERNELS],
    )


def _kernels_two_softplus(parameters: Sequence[Tensor], inputs: Tensor) -> Callable[[], Tensor] | None:
    """The sums of y1 and y2 by the kernel's own functions, on every core; None without a compiler."""
    if compiled_library.library(inputs.dtype) is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / "floor.so"
        subprocess.run([*compiler.command(inputs.dtype), str(SOURCE), "-o", str(built)], check=True)
        two_softplus = ctypes.CDLL(str(built)).two_softplus
    two_softplus.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_long, ctypes.c_void_p]
    two_softplus.restype = None
    addresses = addresses_of(parameters)

    def sums() -> Tensor:
        found = torch.zeros(-(-inputs.numel() // BLOCK), 2, dtype=inputs.dtype)

        def share(first: int, last: int) -> None:
            start = inputs.data_ptr() + first * inputs.itemsize
            two_softplus(addresses, start, last - first, found[first // BLOCK].data_ptr())

        in_parallel(share, inputs.numel())
        return found.sum(0)

    return sums
