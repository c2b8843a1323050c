"""The parameters that a function names in its signature, and a wrapper that names those of what it wraps."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from inspect import Parameter, Signature, signature
from typing import Any

from torch import nn
from torch._library.custom_ops import CustomOpDef
from torch.autograd.function import Function

from torch_reference.check.references.stand_in import autograd_function


def parameters_of(function: Any) -> Mapping[str, Parameter]:
    """The parameters of its signature, or of its forward's without ctx; none if it tells none.

    >>> list(parameters_of(lambda x, *, eps=0.0: x))
    ['x', 'eps']
    """
    own = autograd_function(function)
    function = function._init_fn if isinstance(function, CustomOpDef) else function
    try:
        is_called_so = own is not None or isinstance(function, nn.Module)
        found = dict(signature((own or function).forward if is_called_so else function).parameters)
    except Exception:  # it is the user's, and may have no signature, or an odd one
        return {}
    if own is not None and own.setup_context is Function.setup_context:
        found.pop(next(iter(found), ""), None)
    return found


def with_signature_of(function: Callable[..., Any], call: Any, *first: Parameter) -> Callable[..., Any]:
    """The call, which names the parameters that the function has, after some of its own."""
    with suppress(Exception):  # the user's, which may have no signature
        call.__signature__ = Signature([*first, *signature(function).parameters.values()])
    return call
