"""Who asks autograd, or another library, for a derivative that was to be derived by hand."""

import builtins
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from isolation import blame

DIFFERENTIATING = ("jax", "tensorflow", "autograd", "mxnet", "tinygrad")
"""Packages that derive by themselves."""
ANSWERS = ("manual_backprop", "torch_reference")
"""Packages that hold the lesson's derivatives."""


class AutogradWatch:
    """From its making on, everything in this process that differentiates is noted, with the author's line.

    Each way is noted where it begins: the engine that all of torch.autograd.grad, Tensor.backward and
    torch.func go through, the level that forward mode opens, and the call of a torch.nn.Module.
    """

    def __init__(self, packages: Sequence[str], own: str = "") -> None:
        """Watch from now on, and note which of the packages are imported; own is the author's own module."""
        self.packages, self.own = packages, Path(own).resolve()
        self.notes: dict[str, str] = {}
        # What torch has imported by itself, as it does with what it finds installed, is nobody's question.
        self.before = {package for package in packages if package in sys.modules}
        self._watch_imports()
        self._wrap(torch.autograd, "grad", "torch.autograd.grad")
        self._wrap(torch.autograd, "backward", "torch.autograd.backward")
        self._wrap(torch.Tensor, "backward", "Tensor.backward")
        for name in ("grad", "grad_and_value", "vjp", "jvp", "jacrev", "jacfwd", "hessian", "linearize"):
            self._wrap(torch.func, name, f"torch.func.{name}")
        self._wrap(torch.autograd.forward_ad, "enter_dual_level", "torch.autograd.forward_ad")
        self._wrap(torch.nn.Module, "__call__", "a torch.nn.Module")
        self._wrap_engine()

    def found(self) -> list[str]:
        """What was noted, such as: torch.autograd.grad (homework.py, line 12)."""
        imported = [name for name in self.packages if name in sys.modules and name not in self.before]
        own = (self.own, self.own / "__init__.py")  # a homework may be called autograd.py
        packages = [f"the package {package}" for package in imported if self._file_of(package) not in own]
        return [*(f"{title} ({place})" for place, title in self.notes.items()), *packages]

    def _file_of(self, module: str) -> Path:
        return Path(getattr(sys.modules[module], "__file__", None) or module).resolve()

    def _wrap(self, owner: Any, name: str, title: str) -> None:
        if not hasattr(owner, name):  # not every torch has every way
            return
        original: Callable[..., Any] = getattr(owner, name)

        @wraps(original)
        def noted(*args: Any, **keywords: Any) -> Any:
            self._note(title)
            return original(*args, **keywords)

        setattr(owner, name, noted)

    def _watch_imports(self) -> None:
        original = builtins.__import__

        @wraps(original)
        def noted(name: str, *args: Any, **keywords: Any) -> Any:
            package = name.partition(".")[0]
            if package in self.before and self._place(sys._getframe(1)):
                self.before.discard(package)
            return original(name, *args, **keywords)

        builtins.__import__ = noted

    def _wrap_engine(self) -> None:
        """A way that is not wrapped by its name ends in the engine nevertheless."""
        engine = torch.autograd.Variable._execution_engine
        watch = self

        class Noted:
            def run_backward(self, *args: Any, **keywords: Any) -> Any:
                watch._note("autograd's engine")
                return engine.run_backward(*args, **keywords)

            def __getattr__(self, name: str) -> Any:
                return getattr(engine, name)

        torch.autograd.Variable._execution_engine = Noted()

    def _note(self, title: str) -> None:
        place = self._place(sys._getframe(2))
        if place:  # what one of the ways calls inside torch, for the same line, is the same derivative
            self.notes.setdefault(place, title)

    def _place(self, frame: FrameType) -> str:
        """The author's file and line that led here; empty if none did."""
        lines = [(summary.filename, summary.lineno or 0) for summary in traceback.extract_stack(frame)]
        return blame.innermost(lines[::-1]).removesuffix(": ")
