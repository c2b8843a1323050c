"""On a GPU an index out of range would end its use by the process: no edit is tried there."""

from types import FunctionType

import torch
from torch import Tensor

from torch_reference.judging.derivation_task import Task
from torch_reference.repair.search import Trials
from torch_reference.repair.single_edits import repairs
from torch_reference.repair.task_trials import TaskTrials


def wrong(x: Tensor, above: Tensor) -> dict[str, Tensor]:
    """The derivative of x squared, wrong."""
    d_x = 3 * x * above
    return {"x": d_x}


def is_right(edited: FunctionType) -> bool:
    """At one point."""
    return torch.equal(edited(torch.ones(2), torch.ones(2))["x"], 2 * torch.ones(2))


def test_the_likeliest_line_is_told_none_the_less() -> None:
    """And on a processor the edit is found."""
    lines = [[wrong.__code__.co_firstlineno + 2]]
    here = repairs(Trials(wrong, is_right, is_right), wrong.__code__, lines, ())
    assert here.found[0].after.strip() == "2"
    there = repairs(Trials(wrong, is_right, is_right, False), wrong.__code__, lines, ())
    assert (there.found, there.tried) == ((), 0)
    assert there.lines == here.lines


def test_where_the_point_is_is_asked() -> None:
    """Torch's device for no numbers stands for a GPU."""

    def on(device: str) -> Trials:
        point = {"x": torch.ones(2, device=device)}
        return TaskTrials(lambda edited: Task(edited, None, point, dict, ()), wrong).trials  # type: ignore[arg-type]

    assert on("cpu").is_on_a_processor
    assert not on("meta").is_on_a_processor
