"""The exact gradient of the lesson's network by mpmath, with the graph cut where links are judged one by one.

No formula of a derivative stands here, as in truth.py: the forward pass and a difference quotient, no more.
"""

from collections.abc import Sequence
from typing import Any

import mpmath
import torch
from torch import Tensor

from torch_reference.judging.derivation_task import normal
from torch_reference.judging.scalar_objective import UPSTREAM, NetworkObjective, Tensors
from torch_reference.layers.own_generator import own_generator
from torch_reference.lesson.formulas import names_in
from torch_reference.lesson.named_network import NamedLessonNetwork
from torch_reference.lesson.network import (
    COLUMNS,
    FORMULAS,
    PARAMETERS,
    STATE,
    LessonNetwork,
    named_parameters,
)
from torch_reference.lesson.truth import Numbers, differentiate, intermediates


def is_the_lesson(objective: NetworkObjective, point: Tensors) -> bool:
    """Whether it is the lesson's network with the SSR: the loss is asked at three random outputs."""
    model, inputs, targets = objective.model, point.get("inputs"), point.get("targets")
    shapes = {LessonNetwork: (1,), NamedLessonNetwork: ()}
    if type(model) not in shapes or inputs is None or targets is None:
        return False
    if inputs.shape != targets.shape or not inputs.ndim or inputs.shape[1:] != shapes[type(model)]:
        return False
    generator = own_generator(0)
    observed = targets.detach().double()
    for _ in range(3):
        output = normal(observed, generator)
        ssr = ((observed - output) ** 2).sum()
        if not torch.allclose(objective.loss(output, observed).double(), ssr, rtol=1e-12, atol=0):
            return False
    return True


def exact_gradient(point: Tensors, name: str, index: Sequence[int], cuts: Sequence[str] = ()) -> float:
    """The derivative with respect to one element of a parameter or of a submodule's output.

    Formula: of the SSR, or, where the graph is cut behind the element, of Σ d_loss_d_output · output there
    Shapes:  index as in the gradient that name stands for; the point holds the upstream gradients of the cuts
    """
    if "w1" in point:
        return exact_named_gradient(point, name, index, cuts)
    parameters = {key: value.item() for key, value in named_parameters(point).items()}
    inputs, observed = (point[key].double().flatten().tolist() for key in ("inputs", "targets"))
    module, own_link = name.partition(".")[0], name in COLUMNS
    behind = list(COLUMNS)[list(COLUMNS).index(module) + own_link :]
    cut = next((layer for layer in behind if layer in cuts), None)
    rows = [index[0]] if own_link else range(len(inputs))

    def objective(shift: mpmath.mpf) -> mpmath.mpf:
        shifted = {_scalar(name, index): shift}
        values = [intermediates(parameters, inputs[row], observed[row], shifted) for row in rows]
        if cut is None:
            return mpmath.fsum(value["residual"] ** 2 for value in values)
        return mpmath.fsum(_weighted(point[UPSTREAM + cut], COLUMNS[cut], rows, values))

    return float(differentiate(objective))


def _weighted(
    upstream: Tensor, columns: Sequence[str], rows: Sequence[int], values: Sequence[Numbers]
) -> list[mpmath.mpf]:
    return [
        upstream[row, column].item() * value[key]
        for row, value in zip(rows, values, strict=True)
        for column, key in enumerate(columns)
    ]


def _scalar(name: str, index: Sequence[int]) -> str:
    """The lesson's name of one element: hidden.weight[1, 0] is w2, activation[i, 0] is y1."""
    if name in COLUMNS:
        return COLUMNS[name][index[1]]
    names: Any = STATE[name]
    for place in index:
        names = names[place]
    return str(names)


def behind(name: str) -> tuple[str, ...]:
    """The intermediates through which a parameter or an intermediate reaches the SSR, in their order.

    >>> behind("w1"), behind("y2")
    (('x1', 'y1', 'predicted'), ('predicted',))
    """
    fed = [output for output, formula in FORMULAS.items() if name in names_in(formula)]
    return (fed[0], *behind(fed[0])) if fed else ()


def exact_named_gradient(point: Tensors, name: str, index: Sequence[int], cuts: Sequence[str] = ()) -> float:
    """The derivative with respect to a parameter, or to an intermediate at one observation.

    Formula: of the SSR, or, where the graph is cut behind it, of Σ d_loss_d_output · output there
    Shapes:  index () for a parameter, (observation) for an intermediate; the point holds the upstream
             gradients of the cuts
    """
    parameters = {key: point[key].item() for key in PARAMETERS}
    inputs, observed = (point[key].double().tolist() for key in ("inputs", "targets"))
    cut = next((link for link in behind(name) if link in cuts), None)
    rows = range(len(inputs)) if name in PARAMETERS else [index[0]]

    def objective(shift: mpmath.mpf) -> mpmath.mpf:
        values = [(row, intermediates(parameters, inputs[row], observed[row], {name: shift})) for row in rows]
        if cut is None:
            return mpmath.fsum(value["residual"] ** 2 for _, value in values)
        return mpmath.fsum(point[UPSTREAM + cut][row].item() * value[cut] for row, value in values)

    return float(differentiate(objective))
