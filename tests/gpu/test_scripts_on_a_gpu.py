"""The scripts and the hand-derived package with --device cuda."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy
import pytest
import torch
from torch import Tensor

from manual_backprop import gradients as by_hand
from manual_backprop.fast import gradients as fast
from torch_reference import PARAMETERS, Verdict, bounds, compare, gradients

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

SCRIPTS = Path(__file__).parents[2] / "scripts"


def run(*arguments: str, **environment: str) -> str:
    """What a script prints; it must end with 0."""
    ended = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    return ended.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["compare_gradients.py", "--device", "cuda"],
        ["compare_gradients.py", "--device", "cuda", "--random", "20", "--wrt", "all", "--dtype", "float32"],
        ["train.py", "--device", "cuda", "--steps", "50"],
        ["train.py", "--device", "cuda", "--steps", "20", "--wrt", "all", "--dtype", "float32"],
        ["learning_rate.py", "--device", "cuda"],
        ["data_parallel.py", "--device", "cuda", "--steps", "3", "--check"],
        ["benchmark.py", "--device", "cuda", "--quick", "--only", "gradient-3-of-3", "--no-memory"],
    ],
    ids=lambda arguments: " ".join(arguments),
)
def test_a_script_on_the_gpu(arguments: list[str]) -> None:
    """It ends well, with the same checks as on the CPU."""
    print(run(str(SCRIPTS / arguments[0]), *arguments[1:])[-1500:])


def test_data_parallel_over_nccl() -> None:
    """In one process, for each takes a GPU of its own: fingerprints and sums go through nccl."""
    print(
        run(
            "-m",
            "torch.distributed.run",
            "--nproc-per-node",
            "1",
            "--master-port",
            "29511",
            str(SCRIPTS / "data_parallel.py"),
            "--device",
            "cuda",
            "--steps",
            "3",
            "--check",
        )[-1500:]
    )


def test_large_data_on_the_gpu(tmp_path: Path) -> None:
    """Blocks of a file go to the GPU, and the gradient is compared with autograd's there."""
    draws = torch.Generator().manual_seed(0)
    file = tmp_path / "data.npy"
    numpy.save(file, torch.rand(20000, 2, generator=draws, dtype=torch.float64).numpy())
    print(run(str(SCRIPTS / "large.py"), "--device", "cuda", "--check", "--steps", "20", str(file))[-1500:])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("derive", [by_hand, fast])
def test_the_lesson_by_hand_on_the_gpu(derive: Callable[..., dict[str, Tensor]], dtype: torch.dtype) -> None:
    """A thousand random networks at once, within the bounds; a slip of 1e-3 is beyond them."""
    draws = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draws, dtype=torch.float64).to("cuda", dtype)

    parameters = {name: drawn(1000) for name in PARAMETERS}
    inputs, observed = drawn(1000, 5), drawn(1000, 5)
    manual = derive(parameters, inputs, observed, wrt=PARAMETERS)
    reference = gradients(parameters, inputs, observed, wrt=PARAMETERS)
    within = bounds(parameters, inputs, observed)
    assert all(row.verdict is Verdict.AGREES for row in compare(manual, reference, within))
    off = {name: value * 1.001 for name, value in manual.items()}
    assert all(row.verdict is not Verdict.AGREES for row in compare(off, reference, within))
