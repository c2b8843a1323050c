"""The outputs of a function's forward pass, each within what rounding explains."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from torch_reference.comparison import Row, Verdict, compare
from torch_reference.judging.report import Finding, breach
from torch_reference.judging.scalar_objective import Tensors, as_tuple
from torch_reference.tolerance.sensitivity import growing_bounds


def judge_outputs(
    forward: Callable[..., Any], reference: Callable[..., Any], point: Tensors
) -> list[Finding]:
    """Compare every output with the reference's, and look whether one shares memory with an input.

    Shapes: the inputs are the point's "inputs[0]", …; outputs are named "outputs[0]", …
    """
    inputs = {name: value for name, value in point.items() if name.startswith("inputs[")}
    copies = [value.detach().clone() for value in inputs.values()]
    with torch.no_grad():
        made = _named(forward(*copies))

    def expected_outputs(values: Tensors) -> dict[str, Tensor]:
        return _named(reference(*(values[name] for name in inputs)))

    rows = _judge({name: value.detach() for name, value in made.items()}, expected_outputs, inputs)
    shared = [
        breach(name, "output", Verdict.ALIASED, "the output shares memory with an input: return a new tensor")
        for name, value in made.items()
        if value.numel() and any(_same_memory(value, copy) for copy in copies)
    ]
    return [*shared, *(Finding(name, "output", row) for name, row in rows.items())]


def _judge(
    actual: Tensors, expected_outputs: Callable[[Tensors], Tensors], inputs: Tensors
) -> dict[str, Row]:
    own = expected_outputs(inputs)
    no_bounds = {name: torch.zeros_like(value, dtype=torch.float64) for name, value in own.items()}
    rows = {row.name: row for row in compare(actual, own, no_bounds)}
    # Only numbers of the right form round; an index or a mask must be equal.
    rounded = [name for name in own if own[name].is_floating_point() and rows[name].elements]
    values = {name: actual[name].double() for name in rounded}
    for expected, bounds in growing_bounds(expected_outputs, inputs):
        found = compare(values, {name: expected[name] for name in rounded}, bounds)
        rows |= {row.name: row for row in found}
        if all(row.agrees for row in found):
            break
    return rows


def _named(outputs: Any) -> dict[str, Tensor]:
    return {f"outputs[{index}]": output for index, output in enumerate(as_tuple(outputs))}


def _same_memory(a: Tensor, b: Tensor) -> bool:
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()
