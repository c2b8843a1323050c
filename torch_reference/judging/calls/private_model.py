"""A model of the check's own, and names of its parts that no name of the data's can meet."""

import copy

from torch import nn

from torch_reference.judging.calls.points import UPSTREAM, VALUE


def private_copy(model: nn.Module) -> nn.Module:
    """The model with modules of its own and the very same parameters and buffers: no numbers are copied.

    While it is judged its parameters are exchanged and hooks are hung on it, and another thread may use, or
    check, the model that was given. A model that cannot be copied is judged itself.

    >>> model = nn.Linear(2, 1)
    >>> private_copy(model) is model, private_copy(model).weight is model.weight
    (False, True)
    """
    shared = [*model.parameters(), *model.buffers()]
    try:
        return copy.deepcopy(model, {id(tensor): tensor for tensor in shared})
    except Exception:  # it holds what cannot be copied: a lock, a file, a part of a graph
        return model


def own_name(name: str) -> str:
    """The name that a parameter or a submodule has in a point: "self." before one that the data have, too.

    >>> own_name("hidden.weight"), own_name("inputs"), own_name("self.x")
    ('hidden.weight', 'self.inputs', 'self.self.x')
    """
    is_data = name in ("inputs", "targets") or name.startswith(("inputs[", UPSTREAM, VALUE))
    return f"self.{name}" if is_data or name.partition(".")[0] == "self" else name
