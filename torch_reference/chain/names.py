"""Which name stands for the gradient of which: the conventions of courses, libraries and lectures."""

import re
from collections.abc import Collection, Iterable

PREFIXES = ("d_loss_d_", "d_loss_d", "dloss_d_", "dloss_d", "d_L_d_", "dL_d_", "dL_d", "dLd", "dJ_d", "dJd")
SHORT = ("grad_", "grads_", "gradient_", "grad", "d_", "d", "D", "g_", "delta_", "del_", "nabla_", "partial_")
CONTAINERS = ("grads", "gradients", "grad", "gradient", "d", "g", "derivatives")
LISTS = ("params", "parameters", "weights", "inputs", "xs", "p")
"""What a list of gradients, or a dict of them, is called, and what the list of what they belong to."""
INPUTS, OUTPUTS = ("input", "inputs", "x", "in"), ("output", "outputs", "out")
"""What a layer calls the one array that it is handed, and the one that it makes."""
SUFFIXES = ("_grad", "_gradient", "_bar", "grad")


def named_pairs(
    forward: Collection[str], manual: Iterable[str], losses: Collection[str] = ("loss",)
) -> dict[str, str]:
    """Manual name -> name of what it is the gradient of, for every manual name that is one.

    x goes with dx, d_x, grad_x, x_grad, x.g, d_loss_d_x and their like; d_y_d_x is the gradient of x where y
    is the loss, and a factor of the chain otherwise. Case counts only where it must.
    """
    by_lower: dict[str, list[str]] = {}
    for name in forward:
        by_lower.setdefault(name.lower(), []).append(name)
    found = {}
    for name in manual:
        for stem in stems(name, losses):
            alike = by_lower.get(stem.lower(), [])
            match = stem if stem in forward else alike[0] if len(alike) == 1 else None
            if match is not None and match != name:
                found[name] = match
                break
    return found


def stems(manual: str, losses: Collection[str] = ("loss",)) -> list[str]:
    """What a name may be the gradient of, the likeliest first."""
    found = [manual[len(prefix) :] for prefix in PREFIXES if manual.startswith(prefix)]
    quotient = re.fullmatch(r"d_?(\w+?)_?_d_?(\w+)", manual)
    if quotient and quotient[1] in losses:
        found.append(quotient[2])
    found += [manual[len(prefix) :] for prefix in SHORT if manual.startswith(prefix)]
    found += [manual[: -len(suffix)] for suffix in SUFFIXES if manual.endswith(suffix)]
    attribute = re.fullmatch(r"(\w+)\.(g|grad|gradient|d)", manual)
    found += [attribute[1]] if attribute else []
    element = re.fullmatch(r"(\w+)(\[-?\d+\])", manual)
    if element:  # of a list, which is named as a gradient is
        found += [f"{stem}{element[2]}" for stem in stems(element[1], losses)]
        if element[1] in CONTAINERS:
            found += [f"{name}{element[2]}" for name in LISTS]
    return [stem for stem in found if stem]


def looks_like_a_gradient(name: str, losses: Collection[str] = ("loss",)) -> bool:
    """Whether a name that nothing was found for may have been meant as a gradient."""
    return any(len(stem) > 1 or name.startswith(("d", "g")) for stem in stems(name, losses))
