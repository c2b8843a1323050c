"""Several other options at once: what a backward forgets of one may show beside another only.

A stride and a padding, a weight for each class and a sum in place of a mean, two factors that are both 1.
"""

from collections.abc import Iterator, Sequence

from torch import Tensor

from torch_reference.check.ways.elsewhere.options.other_inputs import Another
from torch_reference.check.ways.elsewhere.options.settled import session_with, settled
from torch_reference.check.ways.points import at_point
from torch_reference.check.ways.session import Attempt, Session
from torch_reference.judging.calls.really import is_tensor

FEW = 3
"""Of so many options each half is changed, too: one of them may hide what the others show."""


def together(session: Session, taken: Sequence[Another]) -> Iterator[Attempt]:
    """All options others, twice, then every second one, of those that the reference takes and reads.

    Where it takes some of them alone, but not all together, as many as it takes.
    """
    values: dict[str, list[Another]] = {}
    for each in taken:
        if each.option is not None and each.is_read and not each.warns and not each.is_nothing:
            values.setdefault(each.option.name, []).append(each)
    first = [others[0] for others in values.values()]
    rows = [first, [others[-1] for others in values.values()]]
    rows += [first[::2], first[1::2]] if len(first) >= FEW else []
    different = {tuple(map(id, row)): row for row in rows if len(row) > 1}
    for row in different.values():
        yield from _at_once(session, row)


def _at_once(session: Session, others: Sequence[Another]) -> Iterator[Attempt]:
    """The attempt with as many of these as the reference takes, the first of them before all."""
    found: Session | None = None
    chosen: list[Another] = []
    while len(others) > 1 and found is None:
        chosen, others = list(others), others[:-1]
        found = _settled(session, chosen)
    if found is None:
        return
    told = " and ".join(each.told.removeprefix("with ") for each in chosen)
    on_error = "refused" if any(each.on_error == "refused" for each in chosen) else "warns"
    for attempt in at_point(found, f"with {told}", found.inputs):
        yield attempt._replace(session=found, own_values=True, may_refuse=True, on_error=on_error)


def _settled(session: Session, others: Sequence[Another]) -> Session | None:
    arguments, tensors = session.arguments, dict[str, Tensor]()
    for each in others:
        assert each.option is not None
        arguments = each.option.placed(arguments, each.value)
        tensors |= {each.option.name: each.value} if is_tensor(each.value) else {}
    there = session_with(session, arguments, tensors)
    return settled(session, there, there.inputs, is_for_none=False)
