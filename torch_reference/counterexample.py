"""A failing point made small, and written as a script that reproduces the failure in a fresh process."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from torch_reference.check import examine_here
from torch_reference.objective import Tensors
from torch_reference.task import Task, redrawn_parameters

Step = Callable[[Tensors], Tensors]
TRIES = 150
"""How many smaller points are tried at most: some seconds for a small network."""


def shrunk(task: Task) -> Task:
    """A task that fails at the same name with the same verdict, with as little in it as could be had.

    Fewer observations first; then every tensor as a whole becomes zeros or ones where that keeps the failure,
    and single elements become zero, or lose their digits.

    Shapes: rows are only taken from the tensors that task.batched names
    Errors: ValueError for a task that does not fail
    """
    if examine_here(task, draws=0).agrees:
        task = replace(task, point=redrawn_parameters(task, seed=0))  # the other point of examine
    first = examine_here(task, draws=0).first_wrong
    if first is None:
        raise ValueError("the derivation agrees here: there is no counterexample")

    def fails(candidate: Task) -> bool:
        try:
            found = examine_here(candidate, draws=0).first_wrong
        except Exception:  # the derivation is the user's: a smaller point may be none that it takes
            return False
        return found is not None and (found.name, found.row.verdict) == (first.name, first.row.verdict)

    tries, smaller = 0, True
    while smaller and tries < TRIES:
        smaller = False
        for step in _steps(task):
            point = step(task.point)
            if _weight(point) < _weight(task.point):
                tries += 1
                if fails(replace(task, point=point)):
                    task, smaller = replace(task, point=point), True
    return task


def _steps(task: Task) -> Iterator[Step]:
    """Ways to make a point simpler, the boldest first."""
    batch = task.batch(task.point)
    for rows in (slice(0, batch // 2), slice(batch // 2, None), slice(0, -1)):
        yield partial(_rows, task.batched, rows)
    for name, value in task.point.items():
        if value.is_floating_point():
            for simple in (torch.zeros_like, torch.ones_like, torch.round):
                yield partial(_replaced, name, simple)
            if value.numel() <= 64:
                for index in range(value.numel()):
                    yield partial(_replaced, name, partial(_without, index))


def _rows(batched: Sequence[str], rows: slice, point: Tensors) -> Tensors:
    empty = any(not len(point[name][rows]) for name in batched)
    return {key: value[rows] if key in batched and not empty else value for key, value in point.items()}


def _replaced(name: str, simple: Callable[[Tensor], Tensor], point: Tensors) -> Tensors:
    return {**point, name: simple(point[name])}


def _without(index: int, value: Tensor) -> Tensor:
    value = value.clone()
    if index < value.numel():
        value.view(-1)[index] = 0
    return value


def _weight(point: Tensors) -> int:
    """How much there is to read: the characters of all numbers, of which a zero has the fewest."""
    numbers = [number for value in point.values() for number in value.flatten().tolist()]
    return sum(len(repr(number)) + bool(number) for number in numbers)


SCRIPT = '''"""A counterexample: a small point at which {derivation} fails.

Run it in the folder from which {model} can be imported.
"""

import sys
from importlib import import_module

import torch

from torch_reference import check_derivation

sys.path.insert(0, "")


def tensor(shape, dtype, numbers):
    values = [float.fromhex(number) for number in numbers.split()]
    return torch.tensor(values, dtype=torch.float64).reshape(shape).to(dtype)


def load(name):
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


POINT = {{
{point}}}
INPUTS = {inputs}

made = load("{model}")()
model, loss = made[:2] if isinstance(made, tuple) else (made, load("{loss}"))
model.to(next(value.dtype for value in POINT.values() if value.is_floating_point()))
with torch.no_grad():
    for name, parameter in model.named_parameters():
        parameter.copy_(POINT[name])
report = check_derivation(model, loss, INPUTS, POINT.get("targets"), load("{derivation}"))
print(report)
sys.exit(0 if report.agrees else 1)
'''


def script(task: Task, model: str, derivation: str, loss: str = "") -> str:
    """A Python script that checks the derivation at the task's point, and exits with 1 where it fails.

    The names are "package.module:attribute": a factory of the model, or of (model, loss, …), the derivation,
    and the loss where the factory makes none. Every number is hexadecimal, so that not a bit is lost.
    """
    lines = [
        f'    "{name}": tensor({tuple(value.shape)}, {value.dtype}, "{_hexadecimal(value)}"),\n'
        for name, value in task.point.items()
    ]
    several = [name for name in task.point if name.startswith("inputs[")]
    inputs = ", ".join(f'POINT["{name}"]' for name in several)
    return SCRIPT.format(
        derivation=derivation,
        model=model,
        loss=loss,
        point="".join(lines),
        inputs=f"({inputs},)" if several else 'POINT["inputs"]',
    )


def write(path: Path, text: str) -> None:
    """Write a file under a temporary name first, so that no half of it is ever there."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def _hexadecimal(value: Tensor) -> str:
    return " ".join(float(number).hex() for number in value.double().flatten().tolist())
