"""What all of a process shares and the user's code may set: looked at before a check, and put back after it.

Of several checks at once the first one looks; what it saw is what the settings were.
"""

import operator
import random
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.autograd import forward_ad
from torch.nn.modules import module
from torch.overrides import _pop_mode as _pop_function_mode
from torch.utils._python_dispatch import _pop_mode

from torch_reference.check.around.signals import handlers, put_handlers
from torch_reference.check.around.surroundings import environment, folder, put_environment, put_folder
from torch_reference.check.around.warning_filters import filters, put_filters


class Setting(NamedTuple):
    """How a setting is read, and how it is put back."""

    read: Callable[[], Any]
    put: Callable[[Any], Any]


def _default_device() -> Any:
    context = getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None)
    return None if context is None else context.device


def _flushes() -> bool:
    """Whether numbers below the smallest normal one are taken for 0: it is the processor that does it."""
    return sys.float_info.min / 2 == 0


FLAGS = {"mkldnn": ("enabled", "deterministic"), "cudnn": ("enabled", "benchmark", "deterministic")}
"""What torch.backends may be told of the libraries that it computes with."""


def _flags() -> dict[tuple[str, str], Any]:
    every = {library: getattr(torch.backends, library) for library in FLAGS}
    names = [(library, flag) for library, flags in FLAGS.items() for flag in flags]
    return {(of, flag): getattr(every[of], flag) for of, flag in names if hasattr(every[of], flag)}


def _put_flags(was: dict[tuple[str, str], Any]) -> None:
    for (library, flag), value in was.items():
        setattr(getattr(torch.backends, library), flag, value)


def _hooks() -> dict[str, dict[int, Any]]:
    all_of_them = vars(module).items()
    return {name: dict(held) for name, held in all_of_them if "_global_" in name and isinstance(held, dict)}


def _put_hooks(was: dict[str, dict[int, Any]]) -> None:
    for name, held in was.items():
        vars(module)[name].clear()
        vars(module)[name].update(held)


def _numpys_numbers() -> tuple[Any, ...]:
    state: Any = np.random.get_state()
    return (state[0], tuple(state[1].tolist()), *state[2:])  # what can be compared


DEBUGGERS = ("bdb", "pydevd", "coverage", "debugpy")


def _trace() -> Any:
    """Who looks at each line; a debugger, which the user has called, stays, and is none."""
    trace = sys.gettrace()
    room = getattr(trace, "__module__", None) or type(trace).__module__
    return None if str(room).startswith(DEBUGGERS) else trace


SETTINGS: dict[str, Setting] = {
    "torch's default dtype": Setting(torch.get_default_dtype, torch.set_default_dtype),
    "torch's deterministic algorithms": Setting(
        lambda: (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        ),
        lambda was: torch.use_deterministic_algorithms(was[0], warn_only=was[1]),
    ),
    "autograd's anomaly mode": Setting(
        lambda: (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
        lambda was: torch.autograd.set_detect_anomaly(*was),
    ),
    "torch's number of threads": Setting(torch.get_num_threads, torch.set_num_threads),
    "torch's precision of products": Setting(
        torch.get_float32_matmul_precision, torch.set_float32_matmul_precision
    ),
    "torch's flushing of denormal numbers": Setting(_flushes, torch.set_flush_denormal),
    "torch's flags of its libraries": Setting(_flags, _put_flags),
    "the filters of warnings": Setting(filters, put_filters),
    "numpy's errors": Setting(np.geterr, lambda was: np.seterr(**was)),
    "the limit of recursion": Setting(sys.getrecursionlimit, sys.setrecursionlimit),
    "the environment's variables": Setting(environment, put_environment),
    "where Python looks for modules": Setting(
        lambda: list(sys.path), lambda was: operator.setitem(sys.path, slice(None), was)
    ),
    "the working directory": Setting(folder, put_folder),
    "hooks on all modules": Setting(_hooks, _put_hooks),
    "Python's random numbers": Setting(random.getstate, random.setstate),
    "numpy's random numbers": Setting(_numpys_numbers, np.random.set_state),
    "standard output": Setting(lambda: sys.stdout, lambda was: setattr(sys, "stdout", was)),
    "standard error": Setting(lambda: sys.stderr, lambda was: setattr(sys, "stderr", was)),
}

UNTOLD = ("Python's random numbers", "numpy's random numbers")
INDUCTORS = ("the limit of recursion", 2000)  # to which it raises that
OF_A_THREAD: dict[str, Setting] = {
    "torch's default device": Setting(_default_device, torch.set_default_device),
    "who looks at each line of Python": Setting(_trace, sys.settrace),
    "who looks at each call of Python": Setting(sys.getprofile, sys.setprofile),
    "modes that see torch's functions": Setting(
        torch._C._len_torch_function_stack,
        lambda was: _popped(_pop_function_mode, torch._C._len_torch_function_stack() - was),
    ),
    "modes that see torch's operations": Setting(
        torch._C._len_torch_dispatch_stack,
        lambda was: _popped(_pop_mode, torch._C._len_torch_dispatch_stack() - was),
    ),
    "handlers of signals": Setting(handlers, put_handlers),
    "levels of forward-mode differentiation": Setting(
        lambda: forward_ad._current_level,
        lambda was: _popped(forward_ad.exit_dual_level, forward_ad._current_level - was),
    ),
    "hooks on saved tensors": Setting(
        lambda: torch._C._autograd._top_saved_tensors_default_hooks(True) is None,
        lambda was: _without_hooks() if was else None,
    ),
}
"""What each thread has of its own; the default device first, which is a mode as well."""


def _popped(pop: Callable[[], Any], surplus: int) -> None:
    for _ in range(surplus):
        pop()


def _without_hooks() -> None:
    while torch._C._autograd._top_saved_tensors_default_hooks(True) is not None:
        torch._C._autograd._pop_saved_tensors_default_hooks()


_lock = threading.RLock()
_before: dict[str, Any] = {}
_checks = 0


@contextmanager
def settings_put_back() -> Iterator[list[str]]:
    """A list, which names afterwards what was set otherwise in here, and has been put back."""
    global _checks
    told: list[str] = []
    here = {name: setting.read() for name, setting in OF_A_THREAD.items()}
    with _lock:
        if not _checks:
            _before.update({name: setting.read() for name, setting in SETTINGS.items()})
        _checks += 1
    try:
        yield told
    finally:
        for name, setting in OF_A_THREAD.items():
            if setting.read() != here[name]:
                setting.put(here[name])
                told.append(name)
        with _lock:
            _checks -= 1
            read = {name: setting.read() for name, setting in SETTINGS.items()}
            shared = {name: now for name, now in read.items() if now != _before[name]}
            for name in shared:
                SETTINGS[name].put(_before[name])
            told += [name for name, now in shared.items() if not (name in UNTOLD or (name, now) == INDUCTORS)]
            if not _checks:
                _before.clear()
