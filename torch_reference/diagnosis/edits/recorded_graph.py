"""The reference's graph at one draw, kept: what comes from above at each call, and what an edit changes.

An edit that leaves all values changes what its call hands back, and that flows back from there. So neither is
the forward pass run again, nor what lies behind the call:

    gradient with the edit = right gradient + (what the edited call hands back − what it should), handed on
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from torch_reference.diagnosis.edits.editor import Call, Edit, Editor
from torch_reference.judging.calls.points import with_derivatives
from torch_reference.judging.calls.raised_errors import user_code

Named = Mapping[str, Tensor]


class RecordedGraph:
    """The calls of a forward pass with the graph between them, as long as this is kept."""

    def __init__(self, editor: Editor, value: Tensor, leaves: Named) -> None:
        """Of an editor that has recorded, and what was made meanwhile.

        Shapes: value (); leaves as of reference_graph
        """
        self.calls: list[Call] = editor.calls
        self.others = [tensor.detach() for tensor in editor.met]
        self.value, self.leaves = value, dict(leaves)
        self.is_as_made = not editor.has_written()
        """Whether nothing was written into what the calls met: their graph would be another one."""

    @cached_property
    def upstream(self) -> list[Tensor | None]:
        """What comes from above at each call."""
        return differentiated(self.value, [call.result for call in self.calls])

    @cached_property
    def bends(self) -> list[bool]:
        """Of each call whether a gradient depends on its value: what is only added up behind it has none."""
        leaves, results = list(self.leaves.values()), [call.result for call in self.calls]
        try:
            backs = torch.autograd.grad(self.value, leaves, create_graph=True, allow_unused=True)
            total = sum(back.sum() for back in backs if back is not None)
            seconds = differentiated(torch.as_tensor(total, device="cpu"), results)
        except Exception:  # the user's own backward may have no derivative
            return [True for _ in results]
        return [second is not None for second in seconds]

    def edited(self, made: Sequence[Edit], right: Named) -> dict[str, Tensor] | None:
        """The gradients with these edits, each of which leaves its call's value; None where it is unknown.

        Errors: whatever the edits raise
        Shapes: right as of reference_gradients
        """
        if not self.is_as_made:
            return None
        numbers = sorted({edit.call for edit in made}, reverse=True)  # from the loss backwards
        upstream, found = {number: self.upstream[number] for number in numbers}, dict(right)
        for place, number in enumerate(numbers):
            above, earlier = upstream[number], numbers[place + 1 :]
            if above is None:
                continue
            edits = [edit for edit in made if edit.call == number]
            change = change_at(self.calls[number], edits, above, self.others)
            targets = [*self.leaves.values(), *(self.calls[other].result for other in earlier)]
            changes = differentiated(change, targets)
            _add(found, dict(zip(self.leaves, changes, strict=False)))
            _add(upstream, dict(zip(earlier, changes[len(self.leaves) :], strict=True)))
        return found


def change_at(call: Call, edits: Sequence[Edit], above: Tensor, others: Sequence[Tensor]) -> Tensor:
    """A number whose derivatives are what these edits change of what the call hands back.

    Errors: whatever the edits raise, and RuntimeError where the result has another shape
    Shapes: above that of the call's result
    """
    result = call.with_edits(edits, others)
    if result.shape != call.result.shape:
        raise RuntimeError("another shape")
    return with_derivatives([(above, result), (-above, call.result)])


def differentiated(value: Tensor, targets: Sequence[Tensor]) -> list[Tensor | None]:
    """The derivatives of a number, whose graph is kept; None where no path leads to it."""
    if not value.requires_grad or not targets:
        return [None for _ in targets]
    with user_code("reference's own backward"):
        return list(torch.autograd.grad(value, targets, retain_graph=True, allow_unused=True))


def _add(found: dict[Any, Any], changes: Mapping[Any, Tensor | None]) -> None:
    for key, change in changes.items():
        if change is not None:
            found[key] = change if found[key] is None else found[key] + change
