"""The name that somebody meant who wrote another one."""

import difflib
import re
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question with the nearest of the known names; empty if none is near.

    >>> did_you_mean("d_ssr_d_w3", ["w3", "w4", "b3"])
    'did you mean w3?'
    >>> did_you_mean("weights", ["w3", "w4", "b3"])
    ''
    """
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.8)
    # d_w3, grad_w3, dSSR_dw3, W3 and w3.grad all end, or begin, in the name that is meant.
    plain, wanted = {_plain(one): one for one in names}, _plain(name)
    near = near or [
        one for key, one in plain.items() if key and (wanted.endswith(key) or wanted.startswith(key))
    ]
    return f"did you mean {max(near, key=len)}?" if near else ""


def _plain(name: str) -> str:
    """Small letters and digits only."""
    return re.sub(r"[\W_]", "", name).lower()
