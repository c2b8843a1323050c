"""The options of a check, looked at before it: of what is none of them one line says what was expected."""

from numbers import Integral
from typing import Any

from torch_reference.comparison import Verdict

MEANT = (Verdict.MUTATED.value, Verdict.ALIASED.value, Verdict.UNSTABLE.value)
"""The breaches that may be meant."""


def refuse_odd_options(allow: Any, order: Any, whole: dict[str, Any], several: dict[str, Any]) -> None:
    """Look at the breaches that are allowed, the order, whole numbers by name, and lists by name.

    Errors: ValueError for what is none, as an order of 3, TypeError for a name alone

    >>> refuse_odd_options(["not repeatable"], 2, {"draws": 4}, {"wrt": [0]})
    >>> refuse_odd_options([], None, {}, {"wrt": "x"})
    Traceback (most recent call last):
    TypeError: wrt: expected a list, found 'x'
    """
    for name, given in {"allow": allow, **several}.items():
        if isinstance(given, str | int):
            raise TypeError(f"{name}: expected a list, found {given!r}")
    unknown = [each for each in allow if each not in MEANT]
    if unknown:
        raise ValueError(f"allow: expected some of {', '.join(MEANT)}, found {unknown[0]!r}")
    if order not in (None, 1, 2):
        raise ValueError(f"order: expected 1, 2 or None, found {order!r}")
    for name, given in whole.items():
        if not isinstance(given, Integral) or int(given) < 0:
            raise ValueError(f"{name}: expected a whole number of 0 or more, found {given!r}")
