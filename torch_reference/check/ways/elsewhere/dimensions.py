"""A dimension more: a layer that was tried with rows gets sequences of them."""

from collections.abc import Iterator

import torch

from torch_reference.check.ways.elsewhere.resizing import with_its_rows
from torch_reference.check.ways.near import near
from torch_reference.check.ways.points import at_point
from torch_reference.check.ways.session import Attempt, Session
from torch_reference.layers.own_generator import own_generator

BATCH = 2


def with_one_more(session: Session) -> Iterator[Attempt]:
    """Two of each input that has rows, in a new first dimension, where the reference takes that.

    How many dimensions a function takes may be its own affair: a report warns where its values are right, and
    its gradients are not.
    """
    generator = own_generator(0)
    rows = with_its_rows(session)
    if not rows or max(session.inputs[name].numel() for name in rows) > 2**12:
        return
    inputs = {
        name: torch.stack([value, *(near(value, generator) for _ in range(BATCH - 1))])
        if name in rows
        else value
        for name, value in session.inputs.items()
    }
    for attempt in at_point(session, "with a dimension more", inputs):
        yield attempt._replace(may_refuse=True, warns=True)
