"""A failing point of a network made small, and a script that reproduces the failure in a fresh process."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from torch_reference.check.examine import examine_here
from torch_reference.counterexample.literals import READER, decimals, literal, word
from torch_reference.counterexample.shrinking import Step, shorter, simpler, smallest
from torch_reference.judging.derivation_task import Task, redrawn_parameters
from torch_reference.judging.report import Report
from torch_reference.judging.scalar_objective import Tensors


def shrunk(task: Task) -> Task:
    """A task that fails at the same name with the same verdict, with as little in it as could be had.

    Fewer observations first; then every tensor as a whole becomes zeros or ones where that keeps the failure,
    and single elements become zero, or lose their digits.

    Shapes: rows are only taken from the tensors that task.batched names
    Errors: ValueError for a task that does not fail
    """
    if examine_here(task, draws=0).agrees:
        task = replace(task, point=redrawn_parameters(task, seed=0))  # the other point of examine

    def check(point: Tensors) -> Report:
        return examine_here(replace(task, point=point), draws=0)

    def steps(point: Tensors) -> Iterator[Step]:
        yield from shorter([(name, 0) for name in task.batched])
        yield from simpler(point)

    return replace(task, point=smallest(task.point, check, steps))


SCRIPT = '''"""A counterexample: a small point at which {derivation_told} fails.

Run it in the folder from which that and {model_told} can be imported.
"""

import sys
from importlib import import_module
from operator import attrgetter

import torch

from torch_reference import check_derivation

sys.path.insert(0, "")


{reader}

POINT = {{
{point}}}
INPUTS = {inputs}

made = load({model})()
model, loss = made[:2] if isinstance(made, tuple) else (made, load({loss}))
model.to(next(value for value in POINT.values() if value.is_floating_point()))  # the dtype and the device
with torch.no_grad():
    for name, parameter in model.named_parameters():
        parameter.copy_(POINT.get("self." + name, POINT.get(name)))
report = check_derivation(model, loss, INPUTS, POINT.get("targets"), load({derivation}))
print(report)
sys.exit(0 if report.agrees else 1)
'''


def script(task: Task, model: str, derivation: str, loss: str = "") -> str:
    """A Python script that checks the derivation at the task's point, and exits with 1 where it fails.

    The names are "package.module:attribute": a factory of the model, or of (model, loss, …), the derivation,
    and the loss where the factory makes none. Every number is hexadecimal, so that not a bit is lost.
    """
    several = [name for name in task.point if name.startswith("inputs[")]
    inputs = ", ".join(f"POINT[{word(name)}]" for name in several)
    text = SCRIPT.format(
        derivation_told=readable(derivation),
        model_told=readable(model),
        derivation=word(derivation),
        model=word(model),
        loss=word(loss),
        reader=READER,
        point="".join(
            f"    {word(name)}: {literal(value)},{decimals(value)}\n" for name, value in task.point.items()
        ),
        inputs=f"({inputs},)" if several else 'POINT["inputs"]',
    )
    compile(text, "counterexample.py", "exec")
    return text


def readable(name: str) -> str:
    """A name as it may stand in a docstring: whatever could end one is left out."""
    return re.sub(r"[^\w.:]", "?", name)


def write(path: Path, text: str) -> None:
    """Write a file under a temporary name first, so that no half of it is ever there.

    A device or a pipe, such as /dev/stdout, and a link are written to, and stay what they are.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        path.write_text(text, encoding="utf-8")
        return
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
