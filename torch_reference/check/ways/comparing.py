"""What one call made beside the reference: whether it is near, and what is wrong of it."""

from typing import Any

import torch
from torch import Tensor

from torch_reference.check.ways.session import Attempt, Made, Session
from torch_reference.comparison import Row, Verdict
from torch_reference.judging.calls.nests import tensors_of
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.finding import UNTOLD, Finding, is_small, says_too_little
from torch_reference.judging.function_objective import FunctionObjective
from torch_reference.judging.function_outputs import fit_beside_gradients, judge_outputs
from torch_reference.judging.hygiene import copies
from torch_reference.judging.judgement import are_near, judge
from torch_reference.judging.scalar_objective import UPSTREAM, Tensors, reference_gradients


def is_the_same(made: Made, plain: Made) -> bool:
    """Whether it is bit for bit what it was as it was given; then nothing need be judged anew."""
    pairs = [(value, plain.gradients.get(name)) for name, value in made.gradients.items()]
    outputs, before = tensors_of(made.outputs), tensors_of(plain.outputs)
    if outputs and outputs.keys() != before.keys():
        return False
    pairs += [(value, before[name]) for name, value in outputs.items()]
    return all(
        other is not None and value.dtype == other.dtype and torch.equal(value, other)
        for value, other in pairs
    )


def is_near(made: Made, attempt: Attempt, objective: FunctionObjective, session: Session) -> bool:
    """Whether all is so near the reference's that it is judged no further, in an evaluation of it or two."""
    outputs: dict[str, Tensor] = {}
    if made.outputs and attempt.objective is None:
        outputs = {name: value.detach() for name, value in tensors_of(made.outputs).items()}
        names = {UPSTREAM + name for name in (*session.plain.outputs, *made.outputs)}
        if outputs.keys() != made.outputs.keys() or not names <= attempt.point.keys():
            return False
    sizes = session.sizes if attempt.roughly else None
    try:
        if are_near(made.gradients, objective, attempt.point, outputs, sizes):
            return True
        # In 16 bits little is near, and a port of a module makes the same numbers.
        names_of = {name: tuple(value.shape) for name, value in made.gradients.items()}
        same = reference_gradients(objective, attempt.point, names_of, outputs=tuple(outputs))
    except UserCodeError:
        return False
    return is_the_same(Made(outputs, made.gradients), Made({n: same[n] for n in outputs}, same))


def findings_of(made: Made, attempt: Attempt, objective: Any, session: Session) -> list[Finding]:
    """What is told of its outputs, where they are compared, and of its gradients, in the same draws."""
    is_compared = bool(made.outputs) and attempt.objective is None
    beside = is_compared and bool(made.gradients)
    outputs = fit_beside_gradients(made.outputs, objective, attempt.point, False) if beside else {}
    rows = _rows(made, attempt, objective, session, outputs) if made.gradients else {}
    found: list[Finding] = []
    if is_compared and not (outputs and all(rows[name].verdict is Verdict.AGREES for name in outputs)):
        again = None if attempt.by_chance else lambda: attempt.call().outputs
        wanted = tuple(made.gradients) or session.wanted
        told = judge_outputs(
            *(made.outputs, objective, attempt.point, True, again, wanted),
            derive=lambda values: session.function.outputs(copies(values), ()),
        )
        found += [each for each in told if each.row.verdict not in UNTOLD]
    for name, value in made.gradients.items():
        small = attempt.roughly and is_small(rows[name], value)
        if not small and not says_too_little(rows[name], value):
            found.append(Finding(name, "input", rows[name]))
    return found


def _rows(
    made: Made, attempt: Attempt, objective: Any, session: Session, outputs: dict[str, Tensor]
) -> dict[str, Row]:
    shapes = {name: tuple(attempt.point[name].shape) for name in made.gradients}
    # What is judged to half of the digits needs no excuse for the last ones.
    again = None if attempt.by_chance or attempt.roughly else lambda: _together(attempt.call())
    options: dict[str, Any] = {"coarsely": True, "outputs": outputs, "again": again}
    if attempt.roughly:  # of which no bound is shown
        options["fewest"] = 1

    def derive(values: Tensors) -> Tensors:
        return _together(session.differentiated(values, tuple(shapes)))

    options["derive"] = derive if attempt.objective is None else None
    return judge(made.gradients, objective, attempt.point, shapes, **options)


def _together(made: Made) -> dict[str, Tensor]:
    """The outputs that are tensors, and the gradients."""
    outputs = {name: value.detach() for name, value in tensors_of(made.outputs).items()}
    return {**outputs, **made.gradients}
