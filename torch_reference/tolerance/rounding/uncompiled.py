"""A mode in which nothing is compiled: dynamo would trace the mode itself, for a minute, and warn of it."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, Self

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

LAZY = tuple(getattr(torch._C.DispatchKey, name) for name in ("Conjugate", "Negative", "ZeroTensor"))
"""What torch conjugates, negates or fills with zeros only where it is used."""


class Uncompiled(TorchDispatchMode):  # type: ignore[no-untyped-call] # torch leaves it untyped
    """While it is entered, what torch.compile made runs as it was written."""

    def __init__(self) -> None:
        """Nothing is entered yet."""
        super().__init__()  # type: ignore[no-untyped-call]
        self._stances: list[Any] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No guard against torch.compile around every operation: nothing is compiled, and each costs 5 µs."""
        return False  # pragma: no mutate (torch asks before mutmut has made its mutant)

    def __enter__(self) -> Self:
        """Only where dynamo is loaded is there anything compiled; to load it takes 2 s."""
        loaded = "torch._dynamo" in sys.modules and not self._stances
        self._stances.append(torch.compiler.set_stance("force_eager") if loaded else None)
        return super().__enter__()  # type: ignore[no-untyped-call]

    def __exit__(self, *error: Any) -> None:
        """Compile again as before."""
        try:
            super().__exit__(*error)  # type: ignore[no-untyped-call]
        finally:
            if (stance := self._stances.pop()) is not None:
                stance.__exit__(*error)


def with_conjugates(handle: Callable[..., Any]) -> Callable[..., Any]:
    """How a mode handles an operation, with lazy conjugates inside of it as they are outside of the mode.

    torch leaves them out there, so that what an operation conjugates for itself stays as it is: the pseudo-
    inverse of complex numbers was another one, and a tangent of zeros, which has no memory, was read (torch
    2.13).
    """

    @wraps(handle)
    def handled(
        self: Any, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        for arg in args:  # a generator takes longer than all of this
            if isinstance(arg, Tensor) and (arg.is_complex() or arg._is_zerotensor()):
                break
        else:
            return handle(self, func, types, args, kwargs)
        included, excluded = (
            torch._C._dispatch_tls_local_include_set(),
            torch._C._dispatch_tls_local_exclude_set(),
        )
        for key in LAZY:
            excluded = excluded.remove(key)
        with torch._C._ForceDispatchKeyGuard(included, excluded):
            return handle(self, func, types, args, kwargs)

    return handled
