"""What a derivation would return that makes a mistake at one call of the forward pass."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import combinations
from typing import NamedTuple

from torch import Tensor

from torch_reference.diagnosis.diagnosis_kinds import KINDS
from torch_reference.diagnosis.edits.editor import Edit, Editor
from torch_reference.diagnosis.edits.further_edits import OF_OTHERS, further_edits, in_several_calls
from torch_reference.diagnosis.edits.naming import Named, operand
from torch_reference.diagnosis.edits.random_direction import RandomDirection
from torch_reference.diagnosis.edits.recorded_graph import RecordedGraph
from torch_reference.diagnosis.edits.reference_edits import PRODUCTS_BY_ELEMENT, edits
from torch_reference.diagnosis.edits.wrong_forward import KIND as FORWARD
from torch_reference.diagnosis.random_draws import Candidate, Draw, alike
from torch_reference.judging.derivation_task import Task
from torch_reference.judging.scalar_objective import Tensors, reference_gradients, reference_graph
from torch_reference.tolerance.rounding.roundings import HALF


class Recorded(NamedTuple):
    """The forward pass at one draw, and every edit of it, once it is made."""

    graph: RecordedGraph
    edits: list[Sequence[Edit]]
    directions: dict[str, RandomDirection | None]


OF_VALUES = {FORWARD, "another function"}
"""What changes the values behind it, too: the forward pass is run again."""
MOST_OPERATIONS = 40_000
"""So many operations all edited references of one draw may run: a few seconds; the rest stays untried."""
ALONE = 10
"""So many are those of one edited call, and of its derivative."""
MOST_PATHS = 24
"""Of so many paths at most are pairs tried: 276 runs of the reference, a fraction of a second."""


def edited_candidates(
    task: Task, name: str, first: Draw, which: Callable[[str], bool]
) -> Iterator[tuple[str, str, Candidate]]:
    """(kind, where, candidate) for every edit of these kinds."""
    for made in _every_edit(task, first):
        if which(made[0].kind):
            where = " and ".join(dict.fromkeys(edit.where for edit in made))
            yield made[0].kind, where, partial(_edited, task, name, made)


def without_a_factor(task: Task, name: str, first: Draw) -> Iterator[tuple[str, str, Candidate]]:
    """(kind, where, candidate) for every factor that may be missing from the result."""
    calls = _recorded(task, first).graph.calls
    named = Named(calls, first.point)
    for number, call in enumerate(calls):
        if call.name in PRODUCTS_BY_ELEMENT:
            for argument in range(len(call.tensors)):
                where = operand(call, argument, named) + named.call(number)
                yield "factor missing", where, partial(_divided, task, name, number, argument)


def _every_edit(task: Task, draw: Draw) -> Sequence[Sequence[Edit]]:
    """All of them, in the order of their kinds; made once for all names."""
    found = _recorded(task, draw)
    if not found.edits:
        calls, others = found.graph.calls, found.graph.others
        order, named = list(KINDS), Named(calls, draw.point)
        every: list[Sequence[Edit]] = [(edit,) for edit in edits(calls, task.parameters, named)]
        every += [(edit,) for edit in further_edits(calls, others, named)]
        every += in_several_calls(calls, others, named)
        found.edits.extend(sorted(every, key=lambda made: order.index(made[0].kind)))
    return found.edits


def pairs_of_paths(task: Task, name: str, first: Draw) -> Iterator[tuple[str, str, Candidate]]:
    """(kind, where, candidate) for every two paths that are both dropped."""
    paths = [
        edit
        for [edit, *_] in _every_edit(task, first)
        if edit.kind == "path dropped"
        and _matters(_as_a_whole(task, name, (edit,), first), first.reference[name])
    ]
    if len(paths) <= MOST_PATHS:
        for one, other in combinations(paths, 2):
            where = f"{one.where} of the forward pass, nor the one through {other.where}"
            yield "path dropped", where, partial(_edited, task, name, (one, other))


def _matters(edited: Tensor | None, right: Tensor) -> bool:
    return edited is not None and not alike(edited, right)


def _recorded(task: Task, draw: Draw) -> Recorded:
    """The calls of the forward pass that carry a gradient, and all tensors that they met."""
    if draw.recorded:
        found: Recorded = draw.recorded[0]
        return found
    recorder: list[Editor] = []

    def record(shifts: Tensors) -> Editor:
        recorder.append(Editor(shifts))
        return recorder[0]

    value, leaves = reference_graph(task.objective, draw.point, _shapes(draw), draw.cuts, record)
    found = Recorded(RecordedGraph(recorder[0], value, leaves), [], {})
    if draw.is_small:  # what is kept holds the whole graph
        draw.recorded.append(found)
    return found


def _edited(task: Task, name: str, made: Sequence[Edit], draw: Draw) -> Tensor | None:
    """The gradient with these edits; None where they cannot be made, or give another than was returned."""
    if draw.is_small and all(edit.kind == FORWARD for edit in made):
        bends = _recorded(task, draw).graph.bends
        if not any(bends[edit.call] for edit in made):  # the value alone is another one
            return draw.reference[name]
    is_known = tuple(made) in draw.remembered or sum(draw.spent) > MOST_OPERATIONS
    if not is_known and _is_told_off(task, name, made, draw):
        return None
    return _as_a_whole(task, name, made, draw)


def _is_told_off(task: Task, name: str, made: Sequence[Edit], draw: Draw) -> bool:
    if not draw.is_small or draw.manual[name].dtype in HALF or _is_of_values(made):
        return False
    graph, directions = _recorded(task, draw).graph, _recorded(task, draw).directions
    draw.spent.append(ALONE * len(made))
    try:
        if name not in directions:
            directions[name] = None  # as where the reference has no second derivative
            directions[name] = RandomDirection(graph, name, draw.manual[name], draw.reference[name])
        direction = directions[name]
        return direction is not None and direction.tells_off(made)
    except Exception:  # the call is the user's
        return False


def _is_of_values(made: Sequence[Edit]) -> bool:
    return any(edit.kind in OF_VALUES for edit in made)


def _as_a_whole(task: Task, name: str, made: Sequence[Edit], draw: Draw) -> Tensor | None:
    key = tuple(made)
    if key not in draw.remembered and sum(draw.spent) > MOST_OPERATIONS:
        return None
    found = draw.remembered[key] if key in draw.remembered else _all_edited(task, made, draw)
    if draw.is_small:
        draw.remembered[key] = found
    return None if found is None else found[name]


def _all_edited(task: Task, made: Sequence[Edit], draw: Draw) -> Tensors | None:
    try:
        found = None
        if draw.is_small and not _is_of_values(made):
            found = _recorded(task, draw).graph.edited(made, draw.reference)
            draw.spent.append(ALONE + max(edit.call for edit in made))  # and what lies before it
        return found or another_run(task, made, draw)
    except (RuntimeError, IndexError, StopIteration, ValueError):
        return None  # this argument cannot be edited so: a transposed factor does not fit


def another_run(task: Task, made: Sequence[Edit], draw: Draw) -> Tensors:
    """The gradients of a reference that is run with these edits.

    Errors: whatever the edits raise
    """
    editors: list[Editor] = []
    others = _recorded(task, draw).graph.others if any(edit.kind in OF_OTHERS for edit in made) else []

    def edited(shifts: Tensors) -> Editor:
        editors.append(Editor(shifts, made, others))
        return editors[-1]

    found = reference_gradients(task.objective, draw.point, _shapes(draw), draw.cuts, edited)
    draw.spent.append(editors[-1].count)
    return found


def _divided(task: Task, name: str, call: int, argument: int, draw: Draw) -> Tensor | None:
    """The right gradient without a factor of the whole: one that the forward pass multiplies by."""
    calls = _recorded(task, draw).graph.calls
    right = draw.reference[name]
    if call >= len(calls) or argument >= len(calls[call].tensors):
        return None
    factor = calls[call].tensors[argument].detach()
    if not _broadcasts(factor.shape, right.shape):
        return None
    return right / factor


def _broadcasts(small: Sequence[int], large: Sequence[int]) -> bool:
    """Whether one shape broadcasts to the other without changing it."""
    pairs = zip(reversed(small), reversed(large), strict=False)
    return len(small) <= len(large) and all(size in (1, wanted) for size, wanted in pairs)


def _shapes(draw: Draw) -> dict[str, Sequence[int]]:
    return {key: tuple(value.shape) for key, value in draw.reference.items()}
