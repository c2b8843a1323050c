"""The variables of a frame as they were just before a line, each time it ran."""

import sys
from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any

import torch
from torch import Tensor

from torch_reference.chain.quantity import is_squeezed

MOST_MOMENTS, MOST_ELEMENTS, DEPTH = 32, 1 << 22, 3
"""So many rounds of a loop are looked at, and so many numbers are kept."""

Variables = dict[str, Any]


def moments_before(run: Callable[[], object], code: CodeType, lines: set[int]) -> dict[int, list[Variables]]:
    """For each of the lines what the code's variables were before it, round after round.

    Whatever run raises ends it; what was seen by then is kept.
    """
    found: dict[int, list[Variables]] = {line: [] for line in lines}
    seen = 0

    def on_line(frame: FrameType, event: str, _arg: Any) -> Any:
        nonlocal seen
        line = frame.f_lineno
        if event == "line" and line in lines and len(found[line]) < MOST_MOMENTS and seen < MOST_ELEMENTS:
            variables = copied(dict(frame.f_locals))
            seen += sum(value.numel() for value in tensors_of(variables))
            found[line].append(variables)
        return on_line

    before = sys.gettrace()
    sys.settrace(lambda frame, _event, _arg: on_line if frame.f_code is code else None)
    try:
        run()
    except Exception:  # an edit is tried nowhere then
        return {line: [] for line in lines}
    finally:
        sys.settrace(before)
    return found


def copied(value: Any, depth: int = DEPTH, tensors: bool = True) -> Any:
    """Tensors, and arrays, and what holds them, anew; all else is the user's own."""
    if isinstance(value, Tensor):
        return value.detach().clone() if tensors else value
    if type(value).__module__ == "numpy" and hasattr(value, "copy"):
        return value.copy()
    if not depth:
        return value
    if type(value) is dict:
        return {key: copied(item, depth - 1, tensors) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(copied(item, depth - 1, tensors) for item in value)
    return value


def tensors_of(value: Any, depth: int = DEPTH) -> Iterator[Tensor]:
    """All tensors among variables, and in what they hold."""
    if isinstance(value, Tensor):
        yield value
    elif depth and type(value) in (dict, list, tuple):
        for item in value.values() if type(value) is dict else value:
            yield from tensors_of(item, depth - 1)


def is_near(value: Any, expected: Tensor, digits: float) -> bool:
    """Whether a number, an array or a tensor is what is expected, to that share of its digits."""
    if not isinstance(value, Tensor):
        if type(value) is not float and type(value).__module__ != "numpy":
            return False
        value = torch.as_tensor(value, device=expected.device)
    if not is_squeezed(value, expected) or not value.is_floating_point():
        return False
    off = value.detach().reshape(expected.shape) - expected
    # Tensor.norm() takes twice as long.
    off_by, size = torch.linalg.vector_norm(off), torch.linalg.vector_norm(expected)
    return bool(off_by <= digits * size)
