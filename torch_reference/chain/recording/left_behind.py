"""What a forward pass leaves for the backward pass, without its graph."""

from typing import Any

from torch import Tensor

from torch_reference.chain.arrays import GraphArray, plain
from torch_reference.judging.calls.nests import refuse_freed

MOST_DEEP = 6


def without_graph(saved: Any, copied: dict[int, int], depth: int = MOST_DEEP) -> Any:
    """Copies of what the forward pass left; copied gets the identity of each, and of what it was.

    An object stays itself, and its arrays lose their graph.

    Errors: UserCodeError for one whose memory was given back
    """
    if isinstance(saved, Tensor):
        refuse_freed(saved)
        found: Any = saved.detach().clone()
    elif isinstance(saved, GraphArray):
        found = plain(saved)
        copied[id(found)] = id(saved.tensor)
        return found
    elif not depth:
        return saved
    elif type(saved) in (tuple, list):
        found = type(saved)(without_graph(value, copied, depth - 1) for value in saved)
    elif type(saved) is dict:
        found = {key: without_graph(value, copied, depth - 1) for key, value in saved.items()}
    else:
        _strip(saved, copied, depth)
        return saved
    copied[id(found)] = id(saved)
    return found


def _strip(holder: Any, copied: dict[int, int], depth: int) -> None:
    """The attributes of an object that hold arrays with a graph, without it."""
    attributes = getattr(holder, "__dict__", None)
    if type(attributes) is not dict or isinstance(holder, type):
        return
    for name, value in list(attributes.items()):
        if _holds(value, depth - 1):
            attributes[name] = without_graph(value, copied, depth - 1)


def _holds(value: Any, depth: int) -> bool:
    """Whether there is such an array in it."""
    if isinstance(value, GraphArray):
        return True
    if not depth or isinstance(value, Tensor | type):
        return False
    if type(value) in (tuple, list):
        return any(_holds(one, depth - 1) for one in value)
    inner = value if type(value) is dict else getattr(value, "__dict__", None)
    return type(inner) is dict and any(_holds(one, depth - 1) for one in inner.values())
