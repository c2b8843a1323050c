"""The options of a check, looked at before it: of what is none of them one line says what was expected."""

from collections.abc import Mapping
from inspect import Parameter
from numbers import Integral
from typing import Any

from torch_reference.check.references.signatures import parameters_of
from torch_reference.comparison import Verdict
from torch_reference.judging.calls.similar_names import did_you_mean

MEANT = tuple(
    each.value for each in (Verdict.MUTATED, Verdict.OVERWRITTEN, Verdict.ALIASED, Verdict.UNSTABLE)
)
"""The breaches that may be meant."""
FUNCTIONS, LISTS, WHOLE = ("reference", "surrogate"), ("allow", "ways", "wrt", "upstream"), ("draws", "seed")


def refuse_odd_options(options: Mapping[str, Any]) -> None:
    """Look at the functions, lists and whole numbers among the options, at what is allowed and at the order.

    Errors: ValueError for what is none, as an order of 3, TypeError for a name alone

    >>> refuse_odd_options({"allow": ["not repeatable"], "order": 2, "draws": 4, "wrt": [0]})
    >>> refuse_odd_options({"wrt": "x"})
    Traceback (most recent call last):
    TypeError: wrt: expected a list, found 'x'
    """
    for name in FUNCTIONS:
        given = options.get(name)
        if given is not None and not callable(given):
            raise TypeError(f"{name}: expected a function or None, found {type(given).__name__}")
    for name in LISTS:
        given = options.get(name)
        if isinstance(given, str | int):
            raise TypeError(f"{name}: expected a list, found {given!r}")
    if isinstance(options.get("upstream"), Mapping):
        raise TypeError(f"upstream: expected a list, found {type(options['upstream']).__name__}")
    unknown = [each for each in options.get("allow", ()) if each not in MEANT]
    if unknown:
        raise ValueError(f"allow: expected some of {', '.join(MEANT)}, found {unknown[0]!r}")
    if options.get("order") not in (None, 1, 2):
        raise ValueError(f"order: expected 1, 2 or None, found {options['order']!r}")
    for name in WHOLE:
        given = options.get(name, 0)
        if not isinstance(given, Integral) or int(given) < 0:
            raise ValueError(f"{name}: expected a whole number of 0 or more, found {given!r}")


def refuse_odd_keywords(function: Any, keywords: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Look at the keywords that are handed on: one that the function has not may be an option misspelt.

    Errors: ValueError for one that is near an option and that the function does not take

    >>> refuse_odd_keywords(lambda x: x, {"way": []}, {"ways": None})
    Traceback (most recent call last):
    ValueError: way: expected an option, or a keyword that the function takes; did you mean ways?
    """
    known = parameters_of(function[0] if isinstance(function, tuple) and function else function)
    if any(each.kind is Parameter.VAR_KEYWORD for each in known.values()):
        return
    for name in keywords:
        near = "" if name in known else did_you_mean(name, options)
        if near:
            raise ValueError(f"{name}: expected an option, or a keyword that the function takes; {near}")
