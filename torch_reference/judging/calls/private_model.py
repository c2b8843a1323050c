"""A model of the check's own, and names of its parts that no name of the data's can meet."""

import copy
import functools
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from types import FunctionType, MethodType
from typing import Any

import torch
from torch import Tensor, nn

from torch_reference.judging.calls.points import UPSTREAM, VALUE
from torch_reference.layers.random_state import generators_of

_lock = threading.RLock()
_themselves: "weakref.WeakValueDictionary[int, nn.Module]" = weakref.WeakValueDictionary()
"""Models that are judged themselves, by their identity: a model may say what it is equal to."""


def private_copy(model: nn.Module) -> nn.Module:
    """The model with modules of its own and the very same parameters, buffers and random generators.

    While it is judged its parameters are exchanged and hooks are hung on it, and another thread may use, or
    check, the model that was given. A model that cannot be copied is judged itself; so is one with a function
    that knows its modules by another way than self, such as `self.call = lambda x: self.layer(x)`: in a copy
    that would still call the original, whose parameters nobody exchanges. See one_at_a_time.

    >>> model = nn.Linear(2, 1)
    >>> private_copy(model) is model, private_copy(model).weight is model.weight
    (False, True)
    """
    shared = [*model.parameters(), *model.buffers(), *generators_of(model)]
    modules = {id(module) for module in model.modules()}
    kept = [value for module in model.modules() for key, value in vars(module).items() if key != "_modules"]
    if any(_knows(each, modules, {*modules}) for each in _functions(kept)):
        return _judged_itself(model)
    try:
        return _referring_to_itself(copy.deepcopy(model, {id(each): each for each in shared}), model)
    except Exception:  # it holds what cannot be copied: a lock, a file, a part of a graph
        return _judged_itself(model)


def one_at_a_time(model: nn.Module) -> AbstractContextManager[object]:
    """Held while a model that is judged itself is called: checks in other threads wait for its parameters."""
    return _lock if _themselves.get(id(model)) is model else nullcontext()


def _judged_itself(model: nn.Module) -> nn.Module:
    _themselves[id(model)] = model
    return model


def hooked(given: Mapping[str, Tensor], module: nn.Module) -> dict[str, Tensor]:
    """Those whose gradients the module's own parameter has hooks for, with these hooks."""
    found = {}
    for name, value in module.named_parameters():
        hooks = getattr(value, "_backward_hooks", None)
        if hooks and name in given and given[name].requires_grad:
            found[name] = torch.ops.aten.alias(given[name])  # a view hands on no sparse gradient
            for hook in hooks.values():
                found[name].register_hook(hook)
    return found


def own_name(name: str) -> str:
    """The name that a parameter or a submodule has in a point: "self." before one that the data have, too.

    >>> own_name("hidden.weight"), own_name("inputs"), own_name("self.x")
    ('hidden.weight', 'self.inputs', 'self.self.x')
    """
    is_data = name in ("inputs", "targets") or name.startswith(("inputs[", UPSTREAM, VALUE))
    return f"self.{name}" if is_data or name.partition(".")[0] == "self" else name


def _functions(values: Any, depth: int = 4) -> Iterator[FunctionType]:
    """Every function that a module keeps: as an attribute, as a hook, in a list, in a partial."""
    if isinstance(values, FunctionType):
        yield values
    elif isinstance(values, MethodType):
        yield from _functions(values.__func__, depth)
    elif isinstance(values, functools.partial):
        yield from _functions([values.func, *values.args, *values.keywords.values()], depth)
    elif isinstance(values, (list, tuple, set, frozenset, Mapping)) and depth:
        for value in values.values() if isinstance(values, Mapping) else values:
            yield from _functions(value, depth - 1)


def _referring_to_itself(private: nn.Module, model: nn.Module) -> nn.Module:
    """The copy, whose weak references, which are copied as they are, are to its own modules."""
    own = {id(old): new for old, new in zip(model.modules(), private.modules(), strict=True)}
    for module in private.modules():
        kept = vars(module)
        kept |= {key: _referring(value, own) for key, value in kept.items() if key != "_modules"}
    return private


def _referring(value: Any, own: Mapping[int, nn.Module]) -> Any:
    """The same of a reference, of what a partial hands on, and of a list or tuple."""
    if type(value) is weakref.ref:
        return weakref.ref(own[id(value())]) if id(value()) in own else value
    if type(value) in (list, tuple):
        found = [_referring(each, own) for each in value]
        same = all(one is other for one, other in zip(found, value, strict=True))
        return value if same else type(value)(found)
    if type(value) is functools.partial:
        args = _referring(value.args, own)
        named = {key: _referring(each, own) for key, each in value.keywords.items()}
        same = args is value.args and all(named[key] is value.keywords[key] for key in named)
        return value if same else functools.partial(value.func, *args, **named)
    return value


def _knows(function: FunctionType, modules: set[int], seen: set[int]) -> bool:
    """Whether one of the modules is reached by what a function closes over, defaults to, or names."""
    cells = []
    for cell in function.__closure__ or ():
        try:
            cells.append(cell.cell_contents)
        except ValueError:  # it is not bound yet
            continue
    named = [function.__globals__.get(name) for name in function.__code__.co_names]
    held = [*cells, *named, *(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    for value in held:
        owner = value.__self__ if isinstance(value, MethodType) else value
        if id(owner) in modules:
            return True
        for inner in _functions([value]):
            if id(inner) not in seen:
                seen.add(id(inner))
                if _knows(inner, modules, seen):
                    return True
    return False
