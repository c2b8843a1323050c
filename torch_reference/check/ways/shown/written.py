"""What of a call of check_function is written again besides its arguments."""

from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch.nn import functional

from torch_reference.check.calling import Function
from torch_reference.check.references.stand_in import autograd_function

TORCHS = (torch, functional, torch.special, torch.linalg)
"""Where torch's own functions are found by their names."""


def written(
    function: Function, reference: Any, surrogate: Any, wrt: Any, seed: int, shared: Mapping[str, Any]
) -> tuple[str, str]:
    """What stands before and after the arguments, where the call is written again.

    >>> written(len, torch.sin, None, [0], 0, {"rtol": 0.0})
    ('function, torch.sin', 'wrt=[0], ')
    """
    if hasattr(function, "of_modules"):  # a call of check_modules is another one
        return "", ""
    head = f"{_name(function, 'function')}, {_name(reference, 'reference')}"
    options = {"surrogate": surrogate and _name(surrogate, "surrogate"), "wrt": wrt and list(wrt)}
    options |= {name: list(of) if isinstance(of, Collection) else of for name, of in shared.items()}
    options["seed"] = seed
    words = {name: of if name == "surrogate" else repr(of) for name, of in options.items() if of}
    return head, "".join(f"{name}={word}, " for name, word in words.items())


def _name(thing: Any, otherwise: str) -> str:
    """The name by which it can be reached, as far as that is known; None for None."""
    if thing is None:
        return "None"
    name = getattr(thing, "__name__", "")
    for module in TORCHS:
        if isinstance(name, str) and getattr(module, name, None) is thing:
            return f"{module.__name__}.{name}"
    if hasattr(thing, "__self__"):  # a method, but for the apply of a Function
        name = getattr(autograd_function(thing), "__name__", "")
    return name if name.isidentifier() else otherwise
