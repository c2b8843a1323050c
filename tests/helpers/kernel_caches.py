"""Processes that use a cache of kernels as a user's would, and what is in it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]

ONE_USE = """
import json, warnings
import torch
from manual_backprop import gradients, lesson
from manual_backprop.fast import gradients as fast, kernels

with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    found = [fast(lesson.start(dtype), *lesson.data(dtype)) for dtype in (torch.float64, torch.float32)]
plain = [gradients(lesson.start(dtype), *lesson.data(dtype)) for dtype in (torch.float64, torch.float32)]
print(json.dumps({
    "compiled": [kernels.library(dtype) is not None for dtype in (torch.float64, torch.float32)],
    "right": all(torch.allclose(mine[name], theirs[name], rtol=50 * torch.finfo(mine[name].dtype).eps, atol=0)
                 for mine, theirs in zip(found, plain) for name in theirs),
    "said": [str(warning.message) for warning in said],
    "flushes": (torch.tensor(1e-310, dtype=torch.float64) * 1).item() == 0,
}))
"""


class Use(NamedTuple):
    """What a process that asked for both kernels has seen."""

    compiled: list[bool]
    right: bool
    said: list[str]
    flushes: bool


def use(cache: Path, umask: int = -1, **environment: str) -> Use:
    """A new process that asks for the lesson's gradient in both precisions; it must end well."""
    ended = subprocess.run(
        [sys.executable, "-c", ONE_USE],
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(cache), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        umask=umask,
    )
    assert ended.returncode == 0, ended.stderr
    return Use(**json.loads(ended.stdout))


def libraries(cache: Path) -> Mapping[str, Path]:
    """Everything in a cache, by name."""
    return {path.name: path for path in sorted(cache.iterdir())}
