"""The exact gradient, by mpmath, of the lesson's network under the lesson's own names."""

from collections.abc import Sequence

import mpmath

from torch_reference.judging.scalar_objective import UPSTREAM, Tensors
from torch_reference.lesson.formulas import names_in
from torch_reference.lesson.network import FORMULAS, PARAMETERS
from torch_reference.lesson.truth import differentiate, intermediates


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
