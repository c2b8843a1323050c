"""Descents of the lesson that the tests of the training judge, and ways to spoil their histories."""

import dataclasses
from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor

from manual_backprop import PARAMETERS, lesson
from manual_backprop.lesson import descent
from torch_reference.lesson import training
from torch_reference.lesson.side_by_side import Judgement, judge
from torch_reference.lesson.training import train

WRT = ("w3", "w4", "b3")
RULES = {"learning_rate": 0.1, "max_steps": 50, "min_step_size": 0.001}
Values = dict[str, Tensor]


def start_of(wrt: tuple[str, ...], dtype: torch.dtype = torch.float64) -> Values:
    """The lesson's start, or its follow-up's for all seven parameters."""
    values = lesson.START_OF_ALL_SEVEN if len(wrt) == len(PARAMETERS) else lesson.START
    return {name: torch.tensor(value, dtype=dtype) for name, value in values.items()}


def judged(manual: descent.History, wrt: tuple[str, ...] = WRT, **rules: float) -> Judgement:
    """The verdict on a manual descent from the lesson's start, in the dtype of its history."""
    rules = RULES | rules
    reference = trained(wrt, manual.ssr.dtype, **rules)
    return judge(manual, reference, *lesson.data(manual.ssr.dtype), **rules)


@cache
def trained(wrt: tuple[str, ...], dtype: torch.dtype, **rules: float) -> training.History:
    """The reference's descent from the lesson's start, which many tests read."""
    return train(start_of(wrt, dtype), *lesson.data(dtype), wrt, **rules)


def changed(history: descent.History, field: str, name: str, row: int, factor: float) -> descent.History:
    """A history with one number changed."""
    values = {key: value.clone() for key, value in getattr(history, field).items()}
    values[name][row] *= factor
    return dataclasses.replace(history, **{field: values})


def cut(history: descent.History, steps: int, stopped: descent.Stopped) -> descent.History:
    """The first steps of a history."""

    def first(values: Mapping[str, Tensor], rows: int) -> Values:
        return {name: value[:rows] for name, value in values.items()}

    return descent.History(
        first(history.parameters, steps + 1),
        history.ssr[: steps + 1],
        first(history.derivatives, steps + 1),
        first(history.step_sizes, steps),
        stopped,
    )
