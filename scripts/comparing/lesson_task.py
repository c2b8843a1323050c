"""The task of a derivation that has the lesson's names: its network, its loss, and data of shape (n)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from torch_reference.judging.derivation_task import Task
from torch_reference.judging.network_task import network_task
from torch_reference.lesson.named_network import NamedLessonNetwork, sum_of_squared_residuals


def lesson_task(
    derivation: Callable[..., Any],
    parameters: Mapping[str, Tensor],
    inputs: Tensor,
    observed: Tensor,
    wrt: Sequence[str],
    softplus_threshold: float,
) -> Task:
    """derivation(parameters, inputs, observed) must return the derivatives of wrt, and may return others."""
    network = NamedLessonNetwork(parameters, wrt, softplus_threshold)
    return network_task(network, sum_of_squared_residuals, inputs, observed, derivation)
