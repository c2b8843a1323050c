"""Processes that use a cache of kernels as a user's would, and what is in it."""

import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

import torch

from manual_backprop import gradients, lesson
from manual_backprop.fast import gradients as fast
from manual_backprop.fast import kernels
from processes import PATIENCE, SERVER

DTYPES = (torch.float64, torch.float32)


class Use(NamedTuple):
    """What a process that asked for both kernels has seen."""

    compiled: list[bool]
    right: bool
    said: list[str]
    flushes: bool


RIGHT = Use(compiled=[True, True], right=True, said=[], flushes=False)


def use(cache: Path, umask: int = 0o022, precisions: int = 2, **environment: str) -> Use:
    """A new process that asks for the lesson's gradient, in float32 too where it is to; it must end well."""
    with tempfile.NamedTemporaryFile() as said:
        process = started(cache, umask, precisions, said.name, **environment)
        process.join(PATIENCE)
        assert process.exitcode == 0
        return Use(**json.loads(Path(said.name).read_text()))


def started(
    cache: Path, umask: int = 0o022, precisions: int = 2, said: str = os.devnull, **environment: str
) -> BaseProcess:
    """A process that has imported torch, and asked for no kernel yet; what it has seen goes to a file."""
    whole = {"XDG_CACHE_HOME": str(cache), **environment}
    process = SERVER.Process(target=_use, args=(whole, umask, precisions, said), daemon=True)
    process.start()
    return process


def in_a_process_of_its_own(cache: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A program from its first line to its last, in which a warning is an error."""
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root, "XDG_CACHE_HOME": str(cache)}
    line = [sys.executable, "-W", "error", "-c", script, *arguments]
    return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=600)


def _use(environment: Mapping[str, str], umask: int, precisions: int, said: str) -> None:
    os.environ |= environment
    os.umask(umask)
    asked = DTYPES[:precisions]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = [fast(lesson.start(dtype), *lesson.data(dtype)) for dtype in asked]
    plain = [gradients(lesson.start(dtype), *lesson.data(dtype)) for dtype in asked]
    pairs = [(mine[name], theirs[name]) for mine, theirs in zip(found, plain, strict=True) for name in theirs]
    seen = Use(
        compiled=[kernels.library(dtype) is not None for dtype in asked],
        right=all(
            torch.allclose(mine, theirs, rtol=50 * torch.finfo(mine.dtype).eps, atol=0)
            for mine, theirs in pairs
        ),
        said=[str(warning.message) for warning in caught],
        flushes=(torch.tensor(1e-310, dtype=torch.float64) * 1).item() == 0,
    )
    Path(said).write_text(json.dumps(seen._asdict()))


def libraries(cache: Path) -> Mapping[str, Path]:
    """Everything in a cache, by name."""
    return {path.name: path for path in sorted(cache.iterdir())}
