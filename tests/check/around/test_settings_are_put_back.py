"""What all of a process shares, and the code that is checked sets otherwise, is put back and told."""

import os
import random
import signal
import sys
import warnings
from collections.abc import Callable
from io import StringIO
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from torch_reference import check_function
from torch_reference.check.around.settings import OF_A_THREAD, SETTINGS, UNTOLD


def entered_once() -> None:
    """torch has one such level and no more."""
    if torch.autograd.forward_ad._current_level < 0:
        torch.autograd.forward_ad.enter_dual_level()


SET: dict[str, Callable[[], Any]] = {
    "torch's default dtype": lambda: torch.set_default_dtype(torch.float64),
    "torch's default device": lambda: torch.set_default_device("cpu"),
    "torch's deterministic algorithms": lambda: torch.use_deterministic_algorithms(True),
    "autograd's anomaly mode": lambda: torch.autograd.set_detect_anomaly(True),
    "torch's number of threads": lambda: torch.set_num_threads(3),
    "torch's precision of products": lambda: torch.set_float32_matmul_precision("medium"),
    "torch's flushing of denormal numbers": lambda: torch.set_flush_denormal(True),
    "torch's flags of its libraries": lambda: setattr(torch.backends.mkldnn, "enabled", False),
    "the filters of warnings": lambda: warnings.filterwarnings("ignore", "of nothing"),
    "who looks at each line of Python": lambda: sys.settrace(lambda *_: None),
    "who looks at each call of Python": lambda: sys.setprofile(lambda *_: None),
    "numpy's errors": lambda: np.seterr(under="raise"),
    "the limit of recursion": lambda: sys.setrecursionlimit(sys.getrecursionlimit() + 7),
    "the environment's variables": lambda: os.environ.update(OF_THE_CODE="1"),
    "where Python looks for modules": lambda: sys.path.insert(0, "/of/the/code"),
    "the working directory": lambda: os.chdir(".."),
    "standard output": lambda: setattr(sys, "stdout", StringIO()),
    "standard error": lambda: setattr(sys, "stderr", StringIO()),
    "hooks on all modules": lambda: torch.nn.modules.module.register_module_forward_hook(print),
    "Python's random numbers": random.random,
    "numpy's random numbers": np.random.rand,
    "modes that see torch's functions": lambda: torch.overrides.BaseTorchFunctionMode().__enter__(),
    "handlers of signals": lambda: signal.signal(signal.SIGUSR1, signal.SIG_IGN),
    "levels of forward-mode differentiation": entered_once,
    "hooks on saved tensors": lambda: torch.autograd.graph.saved_tensors_hooks(
        lambda t: t, lambda t: t
    ).__enter__(),
}


@pytest.mark.filterwarnings("ignore:Anomaly Detection")
@pytest.mark.parametrize("name", SET)
def test_what_the_code_sets_is_put_back_and_told(name: str) -> None:
    """After a check that agrees, and after one that raises an error."""

    def setting(x: Tensor) -> Tensor:
        SET[name]()
        return x * x

    def raising(x: Tensor) -> Tensor:
        SET[name]()
        raise RuntimeError

    read, _ = {**SETTINGS, **OF_A_THREAD}[name]
    before = read()
    for function in (setting, raising):
        report = check_function(function, torch.square, torch.ones(2), ways=[], order=1, draws=0)
        assert read() == before
        assert (f"put back: {name}" in " ".join(str(report).split())) == (name not in UNTOLD)


def test_the_limit_of_recursion_that_torch_sets_is_nobodys_doing() -> None:
    """What torch.compile raises is put back, and was told of the code that was compiled."""
    before = sys.getrecursionlimit()

    def compiled(x: Tensor) -> Tensor:
        sys.setrecursionlimit(2000)
        return x.sin()

    report = check_function(compiled, torch.sin, torch.tensor([0.3, 0.7]), ways=[])
    assert "put back" not in str(report)
    assert sys.getrecursionlimit() == before
