"""A mode in which nothing is compiled: dynamo would trace the mode itself, for a minute, and warn of it."""

import sys
from typing import Any, Self

import torch
from torch.utils._python_dispatch import TorchDispatchMode


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
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        if (stance := self._stances.pop()) is not None:
            stance.__exit__(*error)
