"""What a reference does to its inputs itself, as batch norm's writes running statistics: it is meant."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from torch_reference.comparison import Verdict
from torch_reference.judging.calls.arguments import Tensors
from torch_reference.judging.calls.nests import named_leaves
from torch_reference.judging.calls.really import is_tensor
from torch_reference.judging.finding import Finding, breach
from torch_reference.judging.function_objective import FunctionObjective
from torch_reference.judging.hygiene import copies, shared_memory

TO_OTHERS = "it is changed in place to other numbers than by the reference: {} where it writes {}"


def changes_besides(after: Tensors, objective: FunctionObjective, inputs: Tensors) -> dict[str, Finding]:
    """For each input that the reference changes in place what is wrong with the change; nothing agrees.

    after are those that a call of the function left behind.
    """
    if not objective.changes:
        return {}
    right = copies(inputs)
    objective.in_place(right)
    found = {}
    for name in objective.changes:
        there = inputs[name].double()
        own, other = after[name].double(), right[name].double()
        if torch.equal(own, there):  # of what is not changed nothing is said: a reference may work in place
            continue
        apart, largest = (own - other).abs(), float(other.abs().max())
        worst = int(apart.argmax())
        if not float(apart.max()) <= torch.finfo(_numbers(inputs[name])).eps ** 0.5 * largest:
            told = TO_OTHERS.format(f"{own.flatten()[worst]:.6g}", f"{other.flatten()[worst]:.6g}")
            found[name] = breach(name, "input", Verdict.MUTATED, told)
    return found


def _numbers(value: Tensor) -> torch.dtype:
    return value.dtype if value.is_floating_point() else torch.float64


def shared_besides(
    found: list[Finding], objective: FunctionObjective, inputs: Tensors, wanted: tuple[str, ...]
) -> list[Finding]:
    """The findings of shared memory but for what the reference shares as well, unknown to autograd."""
    if not found:
        return []
    given = copies(inputs)
    leaves = {name: value.requires_grad_(name in wanted) for name, value in given.items()}
    with torch.enable_grad():
        outputs: Mapping[str, Any] = named_leaves(objective.in_place(leaves), "outputs")
    outputs = {name: value for name, value in outputs.items() if is_tensor(value)}
    meant = {finding.name for finding in shared_memory(outputs, given, in_graph=True)}
    return [finding for finding in found if finding.name not in meant]
