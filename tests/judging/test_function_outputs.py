"""The outputs of a function beside those of its reference, called alike."""

import torch
from torch import Tensor

from torch_reference.judging.calls.cuts import Calls
from torch_reference.judging.calls.nests import named_tensors
from torch_reference.judging.function_objective import FunctionObjective
from torch_reference.judging.function_outputs import judge_outputs
from torch_reference.tolerance.meant import meant


def layer(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """As speechbrain's quaternion layers have it."""
    return torch.addmm(b, x, w) if b.requires_grad else x @ w


def test_a_reference_that_asks_what_requires_a_gradient_is_called_as_the_function_was() -> None:
    x, w, b = (torch.randn(*shape, dtype=torch.float64) for shape in ((5, 8), (8, 3), (3,)))
    point = {"inputs[0]": x, "inputs[1]": w, "inputs[2]": b}
    objective = FunctionObjective(layer)
    with meant():  # within which nothing is evaluated twice
        for wanted, made in (([*point], x @ w + b), (["inputs[0]"], x @ w), ([*point], x @ w + b)):
            [found] = judge_outputs({"outputs[0]": made}, objective, point, wanted=wanted)
            assert found.agrees
            [other] = judge_outputs({"outputs[0]": made + b}, objective, point, wanted=wanted)
            assert not other.agrees


def test_to_look_at_an_output_is_no_call_that_a_mode_sees() -> None:
    """A diagnosis makes a thousand of them under a mode in Python, and a call by it takes microseconds."""
    made = torch.ones(3), torch.ones(2)
    with Calls() as calls:
        named_tensors(made, "outputs")
    assert calls.count == 2
