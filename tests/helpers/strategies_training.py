"""Hypothesis strategies of the descents."""

from typing import NamedTuple

import torch
from hypothesis import strategies as st
from torch import Tensor

from manual_backprop import PARAMETERS
from strategies import dtypes, tensors


class Task(NamedTuple):
    """One network with its data, the parameters that descend, and the rules."""

    parameters: dict[str, Tensor]
    inputs: Tensor
    observed: Tensor
    wrt: tuple[str, ...]
    rules: dict[str, float]


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    """Any network and data, and learning rates from a crawl to a rate at which almost anything diverges."""
    dtype: torch.dtype = draw(dtypes, label="dtype")
    n = draw(st.integers(1, 5), label="n")
    wrt = draw(st.lists(st.sampled_from(PARAMETERS), unique=True, min_size=1), label="wrt")
    rules = {
        "learning_rate": 10 ** draw(st.floats(-8, 0), label="log learning rate"),
        "max_steps": draw(st.integers(0, 12), label="max_steps"),
        "min_step_size": draw(st.sampled_from([0.0, 1e-6, 1e-3, 1.0]), label="min_step_size"),
    }
    parameters = {name: draw(tensors((), dtype), label=name) for name in PARAMETERS}
    inputs, observed = (draw(tensors((n,), dtype), label=name) for name in ("inputs", "observed"))
    return Task(parameters, inputs, observed, tuple(wrt), rules)
